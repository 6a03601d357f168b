"""What follows from one commit for one environment, worked out once: the marked objects, what of
the cluster has to be seen, which objects each service is, and its wave."""

from dataclasses import replace

from kiban.delivery.changes import Wanted
from kiban.delivery.follows import follows_of
from kiban.delivery.hooks import Hook
from kiban.delivery.live import Live
from kiban.delivery.marks import Scope, service_of
from kiban.delivery.messages import Desired
from kiban.delivery.order import wave_numbers
from kiban.delivery.promises import promised
from kiban.delivery.record import record_manifest, recorded_hooks
from kiban.kube.objects import Key, Manifest


class Goal:
    """A commit, as a state that a cluster can be in."""

    def __init__(self, desired: Desired, scope: Scope, earlier: "Goal | None" = None) -> None:
        self.desired, self.commit, self.bundle = desired, desired.commit, desired.bundle
        self.scope = replace(scope, formerly=desired.bundle.formerly)
        before = earlier.wanted if earlier else None
        self.wanted: Wanted = Wanted(desired.bundle, self.scope, before)
        # What the plan of this commit on top of the one before says; None after a restart.
        self.promise = promised(before, self.wanted) if before is not None else None
        self.follows = follows_of(desired.bundle, scope)
        self.waves = wave_numbers(desired.bundle.needs)
        self.watched = _watched(self.wanted)

    @property
    def heals_drift(self) -> bool:
        """Whether changes by hand are put back; otherwise they are only shown."""
        return self.bundle.drift == "heal"

    def record(self, live: Live) -> Manifest:
        """What the cluster remembers when all this is done."""
        return record_manifest(self.scope, self.desired, recorded_hooks(live, self.scope))

    def hooks_to_run(self, live: Live) -> tuple[Hook, ...]:
        """The hooks of this release that have not run, and those that run when it fails."""
        done = frozenset(recorded_hooks(live, self.scope))
        return tuple(hook for hook in self.wanted.hooks.values() if hook.key.name not in done)

    def service(self, key: Key) -> str:
        """The service that a wanted object belongs to, or an empty string."""
        return service_of(self.wanted.manifests[key])


def _watched(wanted: Wanted) -> dict[str, tuple[Key, ...]]:
    """The objects of each service; those of the environment itself are not among them."""
    found: dict[str, list[Key]] = {}
    for key, manifest in sorted(wanted.manifests.items()):
        if service := service_of(manifest):
            found.setdefault(service, []).append(key)
    return {service: tuple(keys) for service, keys in found.items()}
