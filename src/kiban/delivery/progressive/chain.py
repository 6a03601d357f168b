"""Makes the steps by which new pods take over: stage by stage, each with a gate, then the release
becomes the usual one and its pods are taken over as they are."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kiban.delivery.changes import Item
from kiban.delivery.marks import Scope
from kiban.delivery.progressive.objects import (
    Objects,
    addresses_at,
    paused,
    pods_at,
    routes_at,
)
from kiban.delivery.progressive.progress import SUFFIX, Progress
from kiban.kube.objects import SERVICE, Key, Manifest
from kiban.plans.plan import Gate, Step
from kiban.primitives.instants import span

# As long as a service may take to become well (see `delivery.steps`).
PODS_SECONDS = 660.0
OTHER_SECONDS = 120.0
# How much longer than its pause a gate may take to be answered.
PATIENCE_SECONDS = 3600.0

# What a step makes wanted when it begins; None is what the commit itself wants, if anything.
Staging = dict[Key, Manifest | None]


@dataclass(slots=True)
class Chain:
    """The steps and gates of one service, what each step applies or removes, and what is wanted
    from then on."""

    steps: list[Step] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    groups: dict[str, tuple[Item, ...]] = field(default_factory=dict)
    stagings: dict[str, Staging] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def apply(self, id_: str, subject: str, words: str, objects: Objects, **more: object) -> None:
        """A step that applies objects as they are wanted from now on."""
        items = tuple(Item(key, "changed", one) for key, one in sorted(objects.items()))
        self.stagings[id_] = dict(objects)
        self._add(id_, "apply", subject, words, items, more)

    def remove(self, id_: str, subject: str, words: str, keys: Iterable[Key], kind: str) -> None:
        """A step that removes objects that are not wanted any more."""
        items = tuple(Item(key, "unwanted", None) for key in keys)
        self.stagings[id_] = dict.fromkeys(item.key for item in items)
        self._add(id_, kind, subject, words, items, {"check": {"gone": str(items[0].key)}})

    def gate(self, gate: Gate) -> None:
        self.gates.append(gate)
        self.needs = (gate.id,)

    def _add(
        self, id_: str, kind: str, subject: str, words: str, items: tuple[Item, ...],
        more: dict[str, object],
    ) -> None:  # fmt: skip
        action = {"objects": [str(item.key) for item in items]}
        known: dict[str, object] = {"timeout_seconds": OTHER_SECONDS, **more}
        self.groups[id_] = items
        self.steps.append(
            Step(id_, kind, subject, words, self.needs, action, **known)  # type: ignore[arg-type]
        )
        self.needs = (id_,)


def taking_over(progress: Progress, scope: Scope, needs: tuple[str, ...]) -> Chain:
    """From where a rollout stands to where the usual step of the service ends it."""
    chain = Chain(needs=needs)
    if not progress.is_promoting:
        for stage in range(max(0, progress.stage), len(progress.policy.shares)):
            _stage(chain, progress, scope, stage)
    _promotion(chain, progress, scope)
    return chain


def clearing(
    service: str, leftovers: Iterable[Key], routes: Objects, needs: tuple[str, ...]
) -> Chain:
    """Give up new pods that become nothing: first nothing leads to them any more."""
    chain = Chain(needs=needs)
    if routes:
        chain.apply(f"return:{service}", service, f"send all of {service} to its old pods", routes)
        chain.stagings[f"return:{service}"] = {}
    words = f"end the new pods of {service} that another commit makes pointless"
    chain.remove(f"clear:{service}", service, words, leftovers, "prune")
    return chain


def end(progress: Progress, needs: tuple[str, ...]) -> Chain:
    """What was there for the rollout only is removed."""
    chain = Chain(needs=needs)
    extra = [
        key._replace(name=key.name + SUFFIX)
        for key in sorted(progress.related)
        if key.group_kind == SERVICE
    ]
    if progress.policy.by_weight and extra:
        words = f"remove the address of the new pods of {progress.service}"
        chain.remove(f"end:{progress.service}", progress.service, words, extra, "prune")
    return chain


def gate_id(service: str, stage: int) -> str:
    return f"gate:{service}:{stage}"


def _stage(chain: Chain, progress: Progress, scope: Scope, stage: int) -> None:
    service, share = progress.service, progress.policy.shares[stage]
    objects = addresses_at(progress, scope, stage)
    if not chain.steps and objects:
        # Load balancers get to know the new pods' address before there is any pod.
        first = {**addresses_at(progress, scope, 0), **routes_at(progress, scope, None)}
        if progress.stage < 0:
            words = f"prepare addresses for new pods of {service}"
            chain.apply(f"open:{service}", service, words, first)
    since = progress.since if stage == progress.stage else None
    count = progress.policy.pods(stage, progress.size)
    chain.apply(
        f"pods:{service}:{stage}",
        service,
        f"start {count} new {'pod' if count == 1 else 'pods'} of {service}",
        pods_at(progress, scope, stage, since),
        check={"healthy": str(progress.canary)},
        timeout_seconds=PODS_SECONDS,
    )
    if traffic := {**objects, **routes_at(progress, scope, stage)}:
        words = f"send {share}% of {service} to its new pods"
        chain.apply(f"share:{service}:{stage}", service, words, traffic)
    pause = progress.policy.pause_seconds
    chain.gate(
        Gate(
            gate_id(service, stage),
            f"does {service} go well for {span(pause)} with {share}% on its new pods?",
            service,
            chain.needs,
            {"stage": stage, "share": share, "pause": pause, "gates": progress.policy.gates},
            pause + PATIENCE_SECONDS,
        )
    )


def _promotion(chain: Chain, progress: Progress, scope: Scope) -> None:
    service = progress.service
    if progress.has_canary or not progress.is_promoting:
        words = f"make the new release of {service} the usual one"
        chain.apply(f"promote:{service}", service, words, paused(progress, scope))
        words = f"hand the new pods of {service} over as they are"
        chain.remove(f"adopt:{service}", service, words, [progress.canary], "hand-over")
    if progress.policy.switches:
        addresses = {key: one for key, one in progress.related.items() if key.group_kind == SERVICE}
        words = f"have the addresses of {service} lead to all of its pods"
        chain.apply(f"join:{service}", service, words, addresses)
        chain.stagings[f"join:{service}"] = dict.fromkeys(addresses)
