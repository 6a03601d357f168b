"""What a reader would want to know of a rehearsal and did not ask for.

Will a budget block a node upgrade, does an autoscaler swing after a deploy, when do the pods of a
lost zone serve again, which subnet is empty first, what does spot save and risk, does waking start
every missed job at once; and who stands at a limit, or steers by figures of ten minutes ago.
"""

from collections.abc import Iterator, Sequence

from kiban.rehearsal.cloud.control_plane import CONTROL_PLANE
from kiban.rehearsal.observations import Record
from kiban.rehearsal.results import Finding
from kiban.rehearsal.scenarios.evidence import Evidence
from kiban.rehearsal.scenarios.strains import strains
from kiban.rehearsal.scenarios.timelines import named, overshoot, regained, sized, spoken, turns

# So long after a deploy an autoscaler's swings are put down to it.
AFTER_DEPLOY = 1800.0
SUBNET_FIX = "a larger subnet, prefix mode, or a smaller warm reserve"
# Fewer free addresses than this, and the next node may not get what it holds in reserve.
FEW_ADDRESSES = 16
DAY = 86_400.0


def findings(evidence: Evidence) -> list[Finding]:
    """All findings, in the order of the questions."""
    found: list[Finding] = []
    for look in (
        _upgrades, _swings, _lost_zones, _subnets, _spot, _slow_drains, _broken, strains,
    ):  # fmt: skip
        found += look(evidence)
    return found


def _upgrades(evidence: Evidence) -> Iterator[Finding]:
    """Will a budget block a node upgrade?"""
    for upgrade in evidence.upgrades:
        if upgrade.phase == "done":
            began = [r["t"] for r in evidence.of("upgrade.began") if r["group"] == upgrade.group]
            ended = [r["t"] for r in evidence.of("upgrade.done") if r["group"] == upgrade.group]
            if not began or not ended:
                continue
            refused = sum(
                began[0] <= one["t"] <= ended[-1] for one in evidence.of("eviction.refused")
            )
            done = "it is upgraded" if upgrade.group == CONTROL_PLANE else "its nodes are renewed"
            what = f"{done} in {spoken(ended[-1] - began[0])}"
            why = f"budgets refused {refused} evictions on the way" if refused else ""
            yield Finding("upgrade-completes", upgrade.group, what, why, "", "pass", began[0])
        elif upgrade.blocked:
            yield _deadlock(evidence, upgrade.group, upgrade.blocked)
        elif upgrade.error:
            what = f"its upgrade fails: {upgrade.error}"
            yield Finding("upgrade-fails", upgrade.group, what, answer="fail", track="nodes")


def _deadlock(evidence: Evidence, group: str, blocked: tuple[str, ...]) -> Finding:
    services = [
        service
        for service in sorted(evidence.budgets)
        if any(pod.startswith(f"{service}-") for pod in blocked)
    ]
    budgets = "; ".join(evidence.budgets[service] for service in services)
    at = next((r["t"] for r in evidence.of("upgrade.failed") if r["group"] == group), None)
    return Finding(
        "upgrade-deadlock",
        group,
        f"its upgrade never ends: {named(blocked)} cannot be evicted",
        f"the budget forbids it: {budgets}" if budgets else "evictions are refused for 15 minutes",
        "let the budget allow one pod to be away, or run one instance more than it demands",
        "fail",
        at,
        "nodes",
    )


def _swings(evidence: Evidence) -> Iterator[Finding]:
    """Does an autoscaler swing after a deploy?"""
    deploys = [one for one in evidence.of("deploy.began") if one["service"] in evidence.limits]
    calm = 0
    for deploy in deploys:
        service, since = deploy["service"], deploy["t"]
        changes = sized(evidence, service)
        found = turns(changes, since, since + AFTER_DEPLOY)
        top = overshoot(changes, since, since + AFTER_DEPLOY)
        if len(found) >= 2:
            what = (
                f"its size changes direction {len(found)} times in the half hour after its deploy"
            )
        elif top is not None:
            what = f"after its deploy it grows from {top[0]} to {top[1]}, and back to {top[2]}"
        else:
            calm += 1
            continue
        yield Finding(
            "autoscaler-swings",
            service,
            what,
            "new instances use more CPU at first than they do for the same requests later",
            "ask for more CPU, grow more slowly, or warm up before it says that it is ready",
            "fail" if len(found) >= 2 else "unknown",
            found[0] if found else since,
            "replicas",
        )
    if calm:
        what = f"after {calm} of {len(deploys)} deploys the autoscaler stays calm"
        if calm == len(deploys):
            what = f"the autoscaler stays calm after {_deploys(calm)}"
        yield Finding("autoscaler-calm", "", what, answer="pass", track="replicas")


def _deploys(count: int) -> str:
    return {1: "the deploy", 2: "both deploys"}.get(count, f"all {count} deploys")


def _lost_zones(evidence: Evidence) -> Iterator[Finding]:
    """How long until the pods of a lost zone serve again?"""
    for loss in evidence.of("act.zone-lost"):
        times = {name: regained(evidence, name, loss["t"]) for name in evidence.accounts}
        hit = {name: seconds for name, seconds in times.items() if seconds != 0.0}
        if not hit:
            continue
        never = sorted(name for name in hit if hit[name] is None)
        known = {name: seconds for name, seconds in hit.items() if seconds is not None}
        slowest = max(known, key=lambda name: known[name], default="")
        if never:
            what = f"until the end not all of its pods of {named(never)} serve again"
        else:
            what = (
                f"its pods serve again after {spoken(known[slowest])}"
                f"{f'; {slowest} is the last of {len(hit)} services' if len(hit) > 1 else ''}"
            )
        yield Finding(
            "zone-loss",
            loss["zone"],
            what,
            "a silent node is noticed after 50 s; its pods are given up after five minutes more, "
            "or when the cloud says that the machine is gone",
            "spread over one zone more, or keep room for the pods of one zone",
            "fail" if never else "unknown",
            loss["t"],
            "failed",
        )


def _subnets(evidence: Evidence) -> Iterator[Finding]:
    """Which subnet is empty first?"""
    missing = evidence.of("address.missing")
    of_subnets = [one for one in missing if one["dry"]]
    if of_subnets:
        yield _empty_subnet(evidence, of_subnets)
    elif missing:
        yield _full_nodes(missing)
    lowest = _lowest_subnet(evidence)
    if lowest is None or of_subnets:
        return
    name, free, at = lowest
    if free < FEW_ADDRESSES:
        what = f"it runs short first: {_count(free)} left at {evidence.clock(at)}"
        why = "pods still start, on what their nodes hold in reserve; new nodes cannot"
        yield Finding("subnet-short", name, what, why, SUBNET_FIX, "unknown", at, "addresses_free")
        return
    what = f"it would be empty first, with {_count(free)} left at {evidence.clock(at)}"
    yield Finding("subnet-lowest", name, what, "", "", "pass", at, "addresses_free")


def _empty_subnet(evidence: Evidence, missing: Sequence[Record]) -> Finding:
    first = missing[0]
    count = len(missing)
    pods = f"{count} pod waits" if count == 1 else f"{count} pods wait"
    return Finding(
        "subnet-empty",
        first["subnet"],
        f"it is empty first: no address is left at {evidence.clock(first['t'])}, and {pods} "
        "for one",
        "pods on its nodes stay ContainerCreating until others go",
        SUBNET_FIX,
        "fail",
        first["t"],
        "addresses_free",
    )


def _full_nodes(missing: Sequence[Record]) -> Finding:
    nodes = list(dict.fromkeys(one["node"] for one in missing))
    return Finding(
        "node-addresses",
        nodes[0],
        f"{len(missing)} pods wait for an address though its subnet has some",
        "its interfaces are full; an address that a pod gave back rests for 30 s",
        "prefix mode, or a larger machine",
        "unknown",
        missing[0]["t"],
        "pending",
    )


def _count(addresses: float) -> str:
    if addresses < 1:
        return "no address is"
    return f"{addresses:,.0f} {'address' if addresses == 1 else 'addresses'}"


def _lowest_subnet(evidence: Evidence) -> tuple[str, float, float] | None:
    """The subnet with the fewest free addresses at any time: its name, how many, and when."""
    found = [(least, name, at) for name, (least, at) in evidence.addresses.items()]
    if not found:
        return None
    least, subject, at = min(found)
    return subject, least, at


def _spot(evidence: Evidence) -> Iterator[Finding]:
    """What does spot save and risk?"""
    costs = evidence.costs
    if costs is None or costs.spot <= 0:
        return
    a_day = DAY / evidence.scenario.seconds
    without = costs.total + costs.saved_by_spot
    # One that is left before its two minutes are over is told, and never taken.
    taken = dict.fromkeys(one["node"] for one in evidence.of("spot.notice", "spot.taken"))
    lost = sum(
        account.losses.get(cause, 0.0)
        for account in evidence.accounts.values()
        for cause in ("silent", "killed", "terminating")
    )
    what = (
        f"saves ${costs.saved_by_spot * a_day:,.2f} a day "
        f"({costs.saved_by_spot / without:.0%} of ${without * a_day:,.2f})"
    )
    machines = "1 machine was" if len(taken) == 1 else f"{len(taken)} machines were"
    why = f"{machines} taken back; {lost:,.0f} requests were lost with machines"
    if not taken:
        why = "no machine was taken back in this run; `spot-sweep` shows what that risks"
    yield Finding("spot-saves", "spot", what, why, "", "unknown", None, "cost")


def _slow_drains(evidence: Evidence) -> Iterator[Finding]:
    """Are two minutes enough to leave a spot machine?"""
    taken = evidence.of("spot.taken")
    full = [one for one in taken if one["pods"]]
    if not full:
        return
    refused: dict[str, int] = {}
    for one in evidence.of("eviction.refused"):
        for service in evidence.budgets:
            if one["name"].startswith(f"{service}-"):
                refused[service] = refused.get(service, 0) + 1
    most = max(sorted(refused), key=lambda name: refused[name], default="")
    yield Finding(
        "spot-drain-too-slow",
        most or "spot",
        f"{len(full)} of {len(taken)} spot machines are taken with {sum(o['pods'] for o in full)} "
        "pods still on them",
        f"its budget lets one go at a time: {evidence.budgets[most]}" if most else "",
        "let the budget allow a share of the instances rather than a number",
        "fail",
        full[0]["t"],
        "failed",
    )


def _broken(evidence: Evidence) -> Iterator[Finding]:
    """Who fails with a dependency, and who goes on without it?"""
    for broken in evidence.of("act.broken"):
        hit = sorted(
            service
            for service, account in evidence.accounts.items()
            if account.losses.get("dependency", 0.0) >= 1
        )
        if not hit and broken["name"] not in evidence.called:
            continue
        if not hit:
            what = "everybody goes on while it is down"
            yield Finding("dependency-spared", broken["name"], what, answer="pass", at=broken["t"])
            continue
        yield Finding(
            "dependency-needed",
            broken["name"],
            f"{named(hit)} fail while it is down",
            "they have no default to answer instead",
            "answer a default and say `optional: true` in `uses`, where that is possible",
            "unknown",
            broken["t"],
            "failed",
        )
