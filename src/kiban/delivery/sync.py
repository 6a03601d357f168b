"""Makes the plan of a sync from what is not as wanted.

Kinds come first that others are made of, then what belongs to the environment, then the Services
of everybody (so that every name that is injected exists), then each service when those it uses are
well, and what is no longer wanted goes last, when everything else is well. There are no barriers
but these: a service waits for what it uses, not for a wave.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kiban.compiler.bundle import SecretNeed
from kiban.delivery import steps
from kiban.delivery.changes import Item
from kiban.delivery.hooks import Hook
from kiban.delivery.marks import Scope, service_of
from kiban.delivery.messages import Commit
from kiban.delivery.order import is_address, is_definition, is_support, without_loops
from kiban.delivery.progressive.chain import Chain, Staging, clearing, end, taking_over
from kiban.delivery.progressive.finding import Rolling
from kiban.delivery.steps import (
    ADDRESSES,
    DEFINITIONS,
    ENVIRONMENT,
    PRUNE,
    RECORD,
    VALIDATION,
    prepare_step,
    secret_key,
    service_step,
    support_step,
    switch_step,
)
from kiban.kube.objects import Key
from kiban.plans.plan import Gate, Plan, Step
from kiban.primitives.instants import rfc3339

# What of a service whose new pods take over by and by is applied when they have.
LATE_KINDS = ("Deployment", "HorizontalPodAutoscaler", "Ingress", "PodDisruptionBudget")

__all__ = ["ENVIRONMENT", "RECORD", "SyncPlan", "Work", "plan_sync", "secret_key", "service_step"]


@dataclass(frozen=True, slots=True)
class Work:
    """Everything a sync has to do.

    `waits` are services that are not changed and still have to become well. `watched` names the
    objects of each service whose health counts. `hooks` have not run yet; those for the bad case
    are always among them. With `validates` the API server is asked about everything first. With
    `tidies` there are hooks of this or earlier releases to let go of.
    """

    items: Sequence[Item]
    unwanted: Sequence[Item] = ()
    secrets: Sequence[SecretNeed] = ()
    makes_secrets: bool = False
    waits: frozenset[str] = frozenset()
    needs: Mapping[str, Iterable[str]] = field(default_factory=dict)
    watched: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)
    hooks: Sequence[Hook] = ()
    validates: bool = False
    tidies: bool = False
    # Services whose new pods take over step by step, and whose objects these are.
    rolling: Rolling = field(default_factory=Rolling)
    scope: Scope | None = None

    def hooks_at(self, when: str, service: str) -> list[Hook]:
        return [hook for hook in self.hooks if (hook.when, hook.service) == (when, service)]


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """The plan, and the objects behind its steps, which are too large for a journal."""

    plan: Plan
    items: Mapping[str, tuple[Item, ...]]
    secrets: Mapping[str, SecretNeed]
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    # What steps of rollouts make wanted when they begin.
    stagings: Mapping[str, Staging] = field(default_factory=dict)
    rolling: Rolling = field(default_factory=Rolling)


def plan_sync(
    id_: str,
    subject: str,
    commit: Commit,
    work: Work,
    *,
    reason: str = "",
    facts: Mapping[str, object] | None = None,
) -> SyncPlan:
    """The plan that does the work. `reason` is set when the commit itself is not the cause."""
    making = _Making(work)
    made = making.steps(commit, is_healing=bool(reason))
    words = f"deliver {commit.short} to {subject}" if not reason else f"heal {subject}"
    plan = Plan(
        id=id_,
        kind="heal" if reason else "sync",
        subject=subject,
        words=words,
        steps=tuple(made),
        gates=tuple(making.gates),
        facts={"commit": commit.id, "author": commit.author, "message": commit.message}
        | ({"committed": rfc3339(commit.at)} if commit.at is not None else {})
        | ({"reason": reason} if reason else {})
        | dict(facts or {}),
    )
    hooks = {hook.step: hook for hook in work.hooks}
    return SyncPlan(plan, making.groups, making.secrets, hooks, making.stagings, work.rolling)


class _Making:
    """One plan on its way: the objects of each step, and the steps in their order."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.groups = _grouped(work)
        self.secrets = {f"secret:{need.namespace}/{need.name}": need for need in work.secrets}
        self.gates: list[Gate] = []
        self.stagings: dict[str, Staging] = {}
        self._rolling = {one.service: one for one in work.rolling.going}
        self._graph = without_loops(work.needs)

    def steps(self, commit: Commit, *, is_healing: bool) -> list[Step]:
        """All steps; healing puts back what was there, and whether it gets well is not its
        business."""
        found = self._foundation()
        base = tuple(step.id for step in found if step.id not in self.secrets)
        found += self._chains(base)
        found += self._hooks("after", "", tuple(step.id for step in found))
        if self.work.unwanted:
            self.groups[PRUNE] = tuple(self.work.unwanted)
            found.append(steps.prune(self.work.unwanted, tuple(step.id for step in found)))
        if is_healing:
            return [replace(step, check=None) for step in found]
        return [*found, *self._ending(commit, found)]

    def _foundation(self) -> list[Step]:
        """What everything else stands on."""
        work, groups, found = self.work, self.groups, list[Step]()

        def so_far() -> tuple[str, ...]:
            return tuple(step.id for step in found)

        if work.validates and work.items:
            groups[VALIDATION] = tuple(work.items)
            found.append(steps.validation(work.items))
        if items := groups.get(DEFINITIONS, ()):
            found.append(steps.definitions(items, so_far()))
        if items := groups.get(ENVIRONMENT, ()):
            found.append(steps.environment(items, so_far()))
        base = so_far()
        for id_, need in self.secrets.items():
            makes = bool(need.sealed) or (
                work.makes_secrets and bool(need.generate or need.template)
            )
            found.append(steps.secret(id_, need, base, makes=makes))
        if items := groups.get(ADDRESSES, ()):
            found.append(steps.addresses(items, base))
        shared = tuple(id_ for id_, need in self.secrets.items() if not need.service)
        needs = (*(id_ for id_ in so_far() if id_ not in self.secrets), *shared)
        return [*found, *self._hooks("before", "", needs)]

    def _hooks(self, when: str, service: str, needs: tuple[str, ...]) -> list[Step]:
        """Hooks one after the other."""
        found: list[Step] = []
        for hook in self.work.hooks_at(when, service):
            found.append(steps.hook(hook, (*needs, *(step.id for step in found))))
        return found

    def _chains(self, base: tuple[str, ...]) -> list[Step]:
        """The steps of each service that has something to apply, to wait for, to run or to get."""
        work = self.work
        services = dict.fromkeys(
            [
                *(id_.partition(":")[2] for id_ in self.groups if ":" in id_),
                *work.waits,
                *(need.service for need in self.secrets.values() if need.service),
                *(hook.service for hook in work.hooks if hook.when != "failure" and hook.service),
                *(service for service, _ in work.rolling.leftovers),
                *work.rolling.held_services,
            ]
        )
        found = [steps.held(one.service, one.why) for one in work.rolling.held]
        for service in sorted(services.keys() - work.rolling.held_services):
            own = [id_ for id_, need in self.secrets.items() if need.service in ("", service)]
            uses = _nearest_uses(service, self._graph, services)
            ends = [self._last_step(use) for use in uses]
            found += self._chain(service, (*base, *own, *ends))
        return found

    def _chain(self, service: str, needs: tuple[str, ...]) -> list[Step]:
        """Prepare, run before, change, switch over, run after."""
        groups, found = self.groups, list[Step]()
        if items := groups.get(support_step(service), ()):
            found.append(steps.support(service, items, needs))
        found += self._hooks("before", service, (*needs, *(step.id for step in found)))
        needs = (*needs, *(step.id for step in found))
        needs, more = self._gradually(service, needs)
        found += more
        items, watched = groups.get(service_step(service), ()), self.work.watched.get(service, ())
        found.append(steps.service(service, items, needs, watched))
        needs = (service_step(service),)
        if items := groups.get(switch_step(service), ()):
            found.append(steps.switch(service, items, needs))
            needs = (switch_step(service),)
        if (progress := self._rolling.get(service)) is not None:
            needs = self._take(end(progress, needs), found)
        return [*found, *self._hooks("after", service, needs)]

    def _gradually(
        self, service: str, needs: tuple[str, ...]
    ) -> tuple[tuple[str, ...], list[Step]]:
        """What comes before the usual step of a service whose new pods take over by and by, or of
        which there are pods that become nothing."""
        found: list[Step] = []
        scope, items = self.work.scope, self.groups.get(service_step(service), ())
        rests = [key for name, key in self.work.rolling.leftovers if name == service]
        if rests and scope is not None:
            routes = {item.key: item.desired for item in items if item.key.kind == "Ingress"}
            wanted = {key: one for key, one in routes.items() if one is not None}
            needs = self._take(clearing(service, rests, wanted, needs), found)
        progress = self._rolling.get(service)
        if progress is None or scope is None:
            return needs, found
        first = [item for item in items if item.key.kind not in LATE_KINDS]
        if first and not progress.is_promoting:
            self.groups[prepare_step(service)] = tuple(first)
            found.append(steps.prepare(service, first, needs))
            needs = (prepare_step(service),)
        needs = self._take(taking_over(progress, scope, needs), found)
        known = {item.key for item in items}
        related = [
            Item(key, "changed", one)
            for key, one in sorted(progress.related.items())
            if key.kind != "Service" and key not in known
        ]
        self.groups[service_step(service)] = (*items, *related)
        back = (item.key for item in self.groups[service_step(service)])
        self.stagings[service_step(service)] = dict.fromkeys(back)
        return needs, found

    def _take(self, chain: Chain, found: list[Step]) -> tuple[str, ...]:
        """Add a rollout's steps and gates; what comes next needs."""
        found += chain.steps
        self.gates += chain.gates
        self.groups |= chain.groups
        self.stagings |= chain.stagings
        return chain.needs

    def _last_step(self, service: str) -> str:
        """The step after which a service is what it shall be."""
        if hooks := self.work.hooks_at("after", service):
            return hooks[-1].step
        return (
            switch_step(service) if switch_step(service) in self.groups else service_step(service)
        )

    def _ending(self, commit: Commit, before: Sequence[Step]) -> list[Step]:
        """What is done when all is well, and what when it is not."""
        all_ids = tuple(step.id for step in before)
        found = [steps.record(commit, all_ids)]
        if self.work.tidies:
            found.append(steps.tidy((RECORD,)))
        for hook in self.work.hooks:
            if hook.when == "failure":
                own = tuple(s.id for s in before if hook.service in ("", s.subject))
                if own:
                    found.append(steps.hook(hook, (), own))
        return found


def _grouped(work: Work) -> dict[str, tuple[Item, ...]]:
    """The objects of each step."""
    groups: dict[str, list[Item]] = {}
    prepares = {hook.service for hook in work.hooks if hook.when == "before"}
    for item in work.items:
        groups.setdefault(_group_of(item, prepares), []).append(item)
    return {group: tuple(found) for group, found in groups.items()}


def _group_of(item: Item, prepares: set[str]) -> str:
    assert item.desired is not None
    service = service_of(item.desired)
    if is_definition(item.key):
        return DEFINITIONS
    if is_address(item.desired):
        # An address that leads elsewhere from now on must not do so before anybody is there.
        return switch_step(service) if service and item.redirects else ADDRESSES
    if not service:
        return ENVIRONMENT
    if service in prepares and item.reason == "new" and is_support(item.key):
        return support_step(service)
    return service_step(service)


def _nearest_uses(
    service: str, graph: Mapping[str, Iterable[str]], services: Mapping[str, None]
) -> list[str]:
    """The services of this plan that a service uses, also through others that are not in it."""
    found: dict[str, None] = {}
    passed: dict[str, None] = {}
    open_ = list(graph.get(service, ()))
    while open_:
        use = open_.pop()
        if use in services:
            found[use] = None
        elif use not in passed:
            passed[use] = None
            open_.extend(graph.get(use, ()))
    return sorted(found)
