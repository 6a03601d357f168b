"""Makes the plan by which a commit reaches a fleet: a step for each cluster, a gate after each
ring."""

from collections.abc import Iterable, Mapping

from kiban.delivery.fleet.members import Pace, Ring
from kiban.delivery.messages import Commit
from kiban.plans.plan import Gate, Plan, Step
from kiban.primitives.instants import rfc3339, span

# A cluster takes long when it has to add nodes first; what fails is told much earlier.
CLUSTER_SECONDS = 3600.0
# A ring whose clusters are all away proves nothing; it is waited for, but not for ever.
PATIENCE_SECONDS = 24 * 3600.0

HELD = "held"


def plan_rollout(
    id_: str, subject: str, commit: Commit, pace: Pace, changes: Iterable[str],
    held: Mapping[str, str],
) -> Plan:  # fmt: skip
    """The plan that brings a commit to the members it changes something for.

    `held` says what each member has when it begins, for whoever goes on after a crash.
    """
    steps: list[Step] = []
    gates: list[Gate] = []
    before: tuple[str, ...] = ()
    for ring, batches in pace.batches(sorted(changes)):
        if gates:
            before = (gates[-1].id,)
        for batch in batches:
            steps += [_step(name, ring, before) for name in batch]
            before = tuple(step_of(name) for name in batch)
        gates.append(_gate(ring, before))
    return Plan(
        id=id_,
        kind="rollout",
        subject=subject,
        words=f"roll {commit.short} out over {len(steps)} clusters",
        steps=tuple(steps),
        # After the last ring there is nobody left to be kept from it.
        gates=tuple(gates[:-1]),
        facts={"commit": commit.id, "author": commit.author, "message": commit.message}
        | ({"committed": rfc3339(commit.at)} if commit.at is not None else {})
        | {HELD: dict(sorted(held.items()))},
    )


def step_of(member: str) -> str:
    return f"cluster:{member}"


def _step(member: str, ring: Ring, needs: tuple[str, ...]) -> Step:
    return Step(
        id=step_of(member),
        kind="hand-over",
        subject=member,
        words=f"deliver to {member}, of the ring {ring.name}",
        needs=needs,
        check={"delivered": member},
        timeout_seconds=CLUSTER_SECONDS,
    )


def _gate(ring: Ring, needs: tuple[str, ...]) -> Gate:
    for_ = f" for {span(ring.soak_seconds)}" if ring.soak_seconds else ""
    return Gate(
        id=f"ring:{ring.name}",
        question=f"do the clusters of the ring {ring.name} run well{for_}?",
        subject=ring.name,
        needs=needs,
        measure={"soak": ring.soak_seconds},
        timeout_seconds=ring.soak_seconds + PATIENCE_SECONDS,
    )
