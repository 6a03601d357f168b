"""What a cluster itself remembers of its delivery: one ConfigMap per environment.

It is written when everything else of a commit is done and well, so it names the last good commit,
also to a process that has no journal.
"""

from collections.abc import Sequence

from kiban.delivery.hooks import is_hook, outcome, owned_hooks
from kiban.delivery.live import Live
from kiban.delivery.marks import Scope, service_of
from kiban.delivery.messages import Desired
from kiban.kube.objects import JOB, Manifest, get_in

# Hooks that are remembered to have run; an image that is older than so many is not rolled back to.
KEPT_HOOKS = 200


def record_manifest(scope: Scope, desired: Desired, hooks: Sequence[str] = ()) -> Manifest:
    """The ConfigMap for a commit that is delivered. `hooks` are the Jobs that have run, the last
    ones last: their names have the hash of their release."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": scope.record_key.name,
            "namespace": scope.namespace,
            "labels": scope.labels,
        },
        "data": {
            "platform": scope.platform,
            "environment": scope.environment,
            "commit": desired.commit.id,
            "author": desired.commit.author,
            "message": desired.commit.message,
            **({"hooks": "\n".join(hooks[-KEPT_HOOKS:])} if hooks else {}),
        },
    }


def recorded_commit(live: Live, scope: Scope) -> str:
    """The commit that was delivered in full last, or an empty string."""
    found: str = get_in(live.get(scope.record_key) or {}, "data", "commit", default="")
    return found


def recorded_hooks(live: Live, scope: Scope) -> tuple[str, ...]:
    """The Jobs of hooks that are known to have run, also by those that are still there."""
    text: str = get_in(live.get(scope.record_key) or {}, "data", "hooks", default="")
    there = (
        job["metadata"]["name"]
        for job in owned_hooks(live.of_kind(JOB), scope)
        if outcome(job) == "done"
    )
    return tuple(dict.fromkeys([*text.split(), *there]))


def images_of(desired: Desired) -> dict[str, str]:
    """The image of each service's own container, for the history of releases."""
    found: dict[str, str] = {}
    for manifest in desired.bundle.manifests:
        service = service_of(manifest)
        containers = get_in(manifest, "spec", "template", "spec", "containers", default=[])
        if service and containers and not is_hook(manifest):
            found[service] = containers[0].get("image", "")
    return dict(sorted(found.items()))
