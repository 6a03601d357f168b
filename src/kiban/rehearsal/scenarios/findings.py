"""What a reader would want to know of a rehearsal and did not ask for.

Will a budget block a node upgrade, does an autoscaler swing after a deploy, when do the pods of a
lost zone serve again, which subnet is empty first, what does spot save and risk, does waking start
every missed job at once; and who stands at a limit, or steers by figures of ten minutes ago.
"""

from collections.abc import Iterator

from kiban.rehearsal.results import Finding, Happening
from kiban.rehearsal.scenarios.evidence import Evidence
from kiban.rehearsal.scenarios.judging import ROLLOUT_CAUSES
from kiban.rehearsal.scenarios.timelines import regained, sized, spoken, turns

# So long after a deploy an autoscaler's swings are put down to it.
AFTER_DEPLOY = 1800.0
# A herd: jobs that begin within so many seconds of waking.
HERD_SECONDS = 60.0
# Figures older than this lead an autoscaler astray: several of its rounds.
OLD_SECONDS = 60.0
# Standing at a limit is worth a word when it lasts.
AT_LIMIT_SECONDS = 600.0
# So many seconds' worth of requests waiting is falling behind.
BEHIND_SECONDS = 60.0
NO_ADDRESS = "FailedCreatePodSandBox"
DAY = 86_400.0


def findings(evidence: Evidence) -> list[Finding]:
    """All findings, in the order of the questions."""
    found: list[Finding] = []
    for look in (
        _upgrades, _swings, _lost_zones, _subnets, _spot, _slow_drains, _herd, _broken, _behind,
        _at_limit, _old_metrics, _rollouts,
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
            what = f"its nodes are renewed in {spoken(ended[-1] - began[0])}"
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
        f"its upgrade never ends: {', '.join(blocked)} cannot be evicted",
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
        found = turns(sized(evidence, service), since, since + AFTER_DEPLOY)
        if len(found) < 2:
            calm += 1
            continue
        yield Finding(
            "autoscaler-swings",
            service,
            f"its size changes direction {len(found)} times in the half hour after its deploy",
            "new instances use more CPU while they start, and are counted when they are ready",
            "ask for more CPU, or let it settle longer (`scale.settle`)",
            "fail",
            found[0],
            "replicas",
        )
    if calm:
        what = f"after {calm} of {len(deploys)} deploys the autoscaler stays calm"
        yield Finding("autoscaler-calm", "", what, answer="pass", track="replicas")


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
            what = f"after the loss of {loss['zone']} {', '.join(never)} never has all its pods"
        else:
            what = (
                f"the pods of {loss['zone']} serve again after {spoken(known[slowest])}; "
                f"{slowest} is the last of {len(hit)} services"
            )
        yield Finding(
            "zone-loss",
            loss["zone"],
            what,
            "a silent node is noticed after 40 s; its pods are given up after five minutes more, "
            "or when the cloud says that the machine is gone",
            "spread over one zone more, or keep room for the pods of one zone",
            "fail" if never else "unknown",
            loss["t"],
            "serving",
        )


def _subnets(evidence: Evidence) -> Iterator[Finding]:
    """Which subnet is empty first?"""
    failed = [one for one in evidence.of("event") if one["reason"] == NO_ADDRESS]
    lowest = _lowest_subnet(evidence)
    if failed:
        first = failed[0]
        subject = lowest[0] if lowest is not None else first["service"]
        pods = len({one["name"] for one in failed})
        what = f"it has no address left at {evidence.clock(first['t'])}; {pods} pods wait for one"
        fix = "a larger subnet, prefix mode, or a smaller warm reserve"
        yield Finding(
            "subnet-empty", subject, what, first["message"], fix, "fail", first["t"],
            "addresses_free",
        )  # fmt: skip
    elif lowest is not None:
        name, free, at = lowest
        what = f"it would be empty first: {free:g} addresses are left at {evidence.clock(at)}"
        yield Finding("subnet-lowest", name, what, "", "", "pass", at, "addresses_free")


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
    taken = evidence.of("spot.taken")
    lost = sum(
        account.losses.get(cause, 0.0)
        for account in evidence.accounts.values()
        for cause in ("silent", "killed", "terminating")
    )
    what = (
        f"saves {costs.saved_by_spot * a_day:,.2f} $ a day "
        f"({costs.saved_by_spot / without:.0%} of {without * a_day:,.2f} $)"
    )
    why = f"{len(taken)} machines were taken back; {lost:,.0f} requests were lost with machines"
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
        if not hit:
            what = "everybody goes on while it is down"
            yield Finding("dependency-spared", broken["name"], what, answer="pass", at=broken["t"])
            continue
        yield Finding(
            "dependency-needed",
            broken["name"],
            f"{', '.join(hit)} fail while it is down",
            "they have no default to answer instead",
            "answer a default and say `optional: true` in `uses`, where that is possible",
            "unknown",
            broken["t"],
            "failed",
        )


def _herd(evidence: Evidence) -> Iterator[Finding]:
    """Does waking start every missed job at once?"""
    for wake in evidence.of("act.woken"):
        began = [name for time, name in evidence.jobs if 0 <= time - wake["t"] <= HERD_SECONDS]
        resumed = wake["jobs"]
        if not resumed:
            continue
        if not began:
            what = f"none of {resumed} jobs starts within a minute of waking"
            yield Finding("wake-calm", "", what, answer="pass", at=wake["t"])
            continue
        yield Finding(
            "wake-herd",
            "",
            f"{len(began)} of {resumed} jobs start within a minute of waking, "
            "before services are ready" if len(began) > 1 else
            f"{began[0]} starts within a minute of waking, before services are ready",
            "a cron job that is no longer suspended makes up for the run that it missed last",
            "give it a `startingDeadlineSeconds` shorter than the night, or wake jobs later",
            "fail" if len(began) > 1 else "unknown",
            wake["t"],
            "pending",
        )  # fmt: skip


def _behind(evidence: Evidence) -> Iterator[Finding]:
    """Whose queue grows faster than it is worked off?"""
    for service in evidence.accounts:
        queue = evidence.curve("queue", service)
        asked = evidence.curve("requests", service)
        if not queue:
            continue
        at, most = max(queue, key=lambda point: (point[1], -point[0]))
        rate = max(value for _, value in asked)
        if most < BEHIND_SECONDS * rate or most < 1:
            continue
        began = max((time for time, value in queue if time < at and value < rate), default=0.0)
        done = next((time for time, value in queue if time > at and value < rate), None)
        end = "does not catch up" if done is None else f"has caught up at {evidence.clock(done)}"
        yield Finding(
            "falls-behind",
            service,
            f"it falls behind from {evidence.clock(began)} on and {end}: "
            f"{most:,.0f} requests wait at {evidence.clock(at)}",
            "more comes than its instances can do",
            "give it more instances, or let an autoscaler follow its queue",
            "fail" if done is None else "unknown",
            began,
            "queue",
        )


def _at_limit(evidence: Evidence) -> Iterator[Finding]:
    """Who stands at the largest size that its autoscaler allows?"""
    for service, limit in sorted(evidence.limits.items()):
        spans = _spans_at(evidence, service, limit)
        total = sum(end - begin for begin, end in spans)
        if total < AT_LIMIT_SECONDS:
            continue
        busy = [
            value
            for time, value in evidence.curve("utilisation", service)
            if any(begin <= time <= end for begin, end in spans)
        ]
        most = max(busy, default=0.0)
        what = f"it stands at its maximum of {limit} for {spoken(total)}"
        yield Finding(
            "at-maximum",
            service,
            what + (f", {most:.0%} busy" if most else ""),
            "the autoscaler wants more and may not have it",
            "raise `scale.max`, or let an instance do more",
            "fail" if most >= 1.0 else "unknown",
            spans[0][0],
            "replicas",
        )


def _spans_at(evidence: Evidence, service: str, size: int) -> list[tuple[float, float]]:
    """When a service had a size that it was scaled to."""
    found: list[tuple[float, float]] = []
    since: float | None = None
    for one in sized(evidence, service):
        if one["after"] == size and since is None:
            since = one["t"]
        elif one["after"] != size and since is not None:
            found.append((since, one["t"]))
            since = None
    if since is not None:
        found.append((since, evidence.scenario.seconds))
    return found


def _old_metrics(evidence: Evidence) -> Iterator[Finding]:
    """Whose autoscaler steers by figures that are late, or never come?"""
    for name, metric in sorted(evidence.metrics.items()):
        if metric.absent:
            what = f"its metric {name} never comes: the autoscaler keeps the size as it is"
            fix = "scale by CPU as well, or take the metric from inside the cluster"
            yield Finding("metric-absent", metric.service, what, "", fix, "fail", track="replicas")
        elif metric.late + metric.every > OLD_SECONDS:
            age = spoken(metric.late + metric.every)
            what = f"its autoscaler acts on {name} as it was up to {age} ago"
            fix = "take the metric from inside the cluster, or keep room for what comes meanwhile"
            yield Finding("metric-late", metric.service, what, "", fix, track="replicas")


def _rollouts(evidence: Evidence) -> Iterator[Finding]:
    """Who loses requests when its pods stop?"""
    for service, account in evidence.accounts.items():
        lost = sum(account.losses.get(cause, 0.0) for cause in ROLLOUT_CAUSES)
        if lost < 1:
            continue
        what = f"{lost:,.0f} requests are lost to pods that were told to stop"
        why = "they stop before everybody knows that they do"
        fix = "set `drain` to longer than endpoints take to change, or end gracefully"
        yield Finding("lost-in-rollout", service, what, why, fix, "fail", track="failed")


# What the plots mark, and how it is said.
_MARKS = {
    "act.deploy": ("{service} is deployed", False),
    "act.rollback": ("{service} is rolled back", False),
    "act.zone-lost": ("{zone} is lost", True),
    "act.zone-back": ("{zone} is back", False),
    "act.spot-sweep": ("{machines} spot machines are taken", True),
    "act.upgrade": ("{group} is upgraded", False),
    "act.broken": ("{name} is down", True),
    "act.mended": ("{name} is back", False),
    "act.jobs": ("{count} jobs start", False),
    "act.subnet-filled": ("{subnet} is nearly full", True),
    "act.surge": ("{factor:g} times as many requests", False),
    "act.asleep": ("everything sleeps", False),
    "act.woken": ("everything is woken", False),
    "act.idle": ("{act} does nothing: {why}", False),
    "deploy.stuck": ("the deploy of {service} is stuck", True),
    "upgrade.failed": ("the upgrade of {group} fails", True),
    "spot.notice": ("{node} is taken back", True),
}


def happenings(evidence: Evidence) -> list[Happening]:
    """What the plots mark."""
    found = []
    for record in evidence.of(*_MARKS):
        words, is_fault = _MARKS[record["what"]]
        found.append(Happening(record["t"], words.format(**record), is_fault))
    return found
