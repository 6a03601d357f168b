"""Makes the plan of a sync from what is not as wanted.

What belongs to the environment comes first, then the Services of everybody (so that every name
that is injected exists), then each service when those it uses are well, and what is no longer
wanted goes last, when everything else is well. There are no barriers but these: a service waits
for what it uses, not for a wave.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kiban.compiler.bundle import SecretNeed
from kiban.delivery.changes import Item
from kiban.delivery.marks import service_of
from kiban.delivery.messages import Commit
from kiban.delivery.order import is_address, without_loops
from kiban.kube.objects import SECRET, Key
from kiban.plans.plan import Plan, Step
from kiban.primitives.instants import rfc3339

# Longer than a Deployment's default progress deadline (600 s), which is the better message.
SERVICE_SECONDS = 660.0
SECRET_SECONDS = 3600.0
OTHER_SECONDS = 120.0

ENVIRONMENT, ADDRESSES, PRUNE, RECORD = "environment", "addresses", "prune", "record"


@dataclass(frozen=True, slots=True)
class Work:
    """Everything a sync has to do.

    `waits` are services that are not changed and still have to become well. `watched` names the
    objects of each service whose health counts.
    """

    items: Sequence[Item]
    unwanted: Sequence[Item] = ()
    secrets: Sequence[SecretNeed] = ()
    makes_secrets: bool = False
    waits: frozenset[str] = frozenset()
    needs: Mapping[str, Iterable[str]] = field(default_factory=dict)
    watched: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """The plan, and the objects behind its steps, which are too large for a journal."""

    plan: Plan
    items: Mapping[str, tuple[Item, ...]]
    secrets: Mapping[str, SecretNeed]


def plan_sync(id_: str, subject: str, commit: Commit, work: Work, *, reason: str = "") -> SyncPlan:
    """The plan that does the work. `reason` is set when the commit itself is not the cause."""
    groups = _grouped(work.items)
    secrets = {f"secret:{need.namespace}/{need.name}": need for need in work.secrets}
    steps: list[Step] = []
    if items := groups.get(ENVIRONMENT, ()):
        steps.append(_environment_step(items))
    base = tuple(step.id for step in steps)
    steps += [_secret_step(id_, need, base, work) for id_, need in secrets.items()]
    if items := groups.get(ADDRESSES, ()):
        steps.append(_addresses_step(items, base))
    base = tuple(step.id for step in steps if not step.id.startswith("secret:"))
    steps += _service_steps(groups, work, base, secrets)
    everything = tuple(step.id for step in steps)
    if work.unwanted:
        groups[PRUNE] = tuple(work.unwanted)
        steps.append(_prune_step(work.unwanted, everything))
    if reason:
        # Healing puts back what was there; whether it gets well is not its business.
        steps = [replace(step, check=None) for step in steps]
    else:
        steps.append(_record_step(commit, tuple(step.id for step in steps)))
    words = f"deliver {commit.short} to {subject}" if not reason else f"heal {subject}"
    plan = Plan(
        id=id_,
        kind="heal" if reason else "sync",
        subject=subject,
        words=words,
        steps=tuple(steps),
        facts={"commit": commit.id, "author": commit.author, "message": commit.message}
        | ({"committed": rfc3339(commit.at)} if commit.at is not None else {})
        | ({"reason": reason} if reason else {}),
    )
    return SyncPlan(plan, groups, secrets)


def service_step(service: str) -> str:
    return f"service:{service}"


def _grouped(items: Iterable[Item]) -> dict[str, tuple[Item, ...]]:
    groups: dict[str, list[Item]] = {}
    for item in items:
        assert item.desired is not None
        service = service_of(item.desired)
        if is_address(item.desired):
            group = ADDRESSES
        else:
            group = service_step(service) if service else ENVIRONMENT
        groups.setdefault(group, []).append(item)
    return {group: tuple(found) for group, found in groups.items()}


def _environment_step(items: Sequence[Item]) -> Step:
    return Step(
        id=ENVIRONMENT,
        kind="apply",
        subject=ENVIRONMENT,
        words=f"apply {_count(items)} of the environment itself",
        action=_keys(items),
        check={"healthy": [str(item.key) for item in items]},
        timeout_seconds=OTHER_SECONDS,
    )


def _addresses_step(items: Sequence[Item], needs: tuple[str, ...]) -> Step:
    return Step(
        id=ADDRESSES,
        kind="apply",
        subject=ADDRESSES,
        words=f"give every service its address ({_count(items)})",
        needs=needs,
        action=_keys(items),
        timeout_seconds=OTHER_SECONDS,
    )


def _secret_step(id_: str, need: SecretNeed, needs: tuple[str, ...], work: Work) -> Step:
    makes = work.makes_secrets and bool(need.generate or need.template)
    verb = "make" if makes else "wait for"
    return Step(
        id=id_,
        kind="make-secret" if makes else "await-secret",
        subject=need.service or ENVIRONMENT,
        words=f"{verb} the Secret {need.name}",
        needs=needs,
        action={"secret": str(secret_key(need))},
        check={"exists": str(secret_key(need))},
        timeout_seconds=OTHER_SECONDS if makes else SECRET_SECONDS,
    )


def _service_steps(
    groups: Mapping[str, Sequence[Item]],
    work: Work,
    base: tuple[str, ...],
    secrets: Mapping[str, SecretNeed],
) -> list[Step]:
    """A step for each service with something to apply, to wait for, or a Secret to get."""
    graph = without_loops(work.needs)
    services = dict.fromkeys(
        [
            *(group.partition(":")[2] for group in groups if group.startswith("service:")),
            *work.waits,
            *(need.service for need in secrets.values() if need.service),
        ]
    )
    steps = []
    for service in sorted(services):
        items = groups.get(service_step(service), ())
        uses = _nearest_uses(service, graph, services)
        own = [id_ for id_, need in secrets.items() if need.service in ("", service)]
        steps.append(
            Step(
                id=service_step(service),
                kind="apply",
                subject=service,
                words=f"apply {_count(items)} of {service}" if items else f"wait for {service}",
                needs=(*base, *own, *(service_step(use) for use in uses)),
                action=_keys(items),
                check={"healthy": [str(key) for key in work.watched.get(service, ())]},
                timeout_seconds=SERVICE_SECONDS,
            )
        )
    return steps


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


def _prune_step(unwanted: Sequence[Item], needs: tuple[str, ...]) -> Step:
    return Step(
        id=PRUNE,
        kind="prune",
        subject=PRUNE,
        words=f"delete {_count(unwanted)} that Git no longer wants",
        needs=needs,
        action=_keys(unwanted),
        check={"gone": [str(item.key) for item in unwanted]},
        timeout_seconds=SERVICE_SECONDS,
    )


def _record_step(commit: Commit, needs: tuple[str, ...]) -> Step:
    return Step(
        id=RECORD,
        kind="record",
        subject=RECORD,
        words=f"record that {commit.short} is delivered",
        needs=needs,
        action={"commit": commit.id},
        timeout_seconds=OTHER_SECONDS,
    )


def secret_key(need: SecretNeed) -> Key:
    return Key(SECRET.group, SECRET.kind, need.namespace, need.name)


def _keys(items: Iterable[Item]) -> dict[str, list[str]]:
    return {"objects": [str(item.key) for item in items]}


def _count(items: Sequence[Item]) -> str:
    return "one object" if len(items) == 1 else f"{len(items)} objects"
