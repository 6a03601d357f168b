"""Expectations answered: pass, fail or unknown, with the numbers that decided it and the cause.

No data is never a pass.
"""

from collections.abc import Iterator

from kiban.plans.records import Answer
from kiban.rehearsal.results import Verdict
from kiban.rehearsal.scenarios.evidence import Account, Evidence
from kiban.rehearsal.scenarios.timelines import (
    faults,
    most_within,
    named,
    recovery,
    regained,
    sized,
    spoken,
    turns,
)
from kiban.rehearsal.traffic.losses import CAUSES

ROLLOUT_CAUSES = ("terminating", "killed")
DAY = 86_400.0
MONTH = 30 * DAY


def judge(evidence: Evidence) -> list[Verdict]:
    """All expectations of the scenario, in the order of the language."""
    found: list[Verdict] = []
    for judged in (
        _error_budgets, _latencies, _recoveries, _serving_again, _pending, _lost, _deployed,
        _upgraded, _turns, _cost, _awake, _idle,
    ):  # fmt: skip
        found += judged(evidence)
    return found


def _error_budgets(evidence: Evidence) -> Iterator[Verdict]:
    share = evidence.scenario.expect.error_budget
    if share is None:
        return
    expectation = f"at most {share:g} % of the error budget is used"
    any_objective = False
    for service, account in evidence.accounts.items():
        if account.objective is None or account.objective.availability is None:
            continue
        any_objective = True
        allowed = (1.0 - account.objective.availability) * account.requests
        if account.requests <= 0:
            yield Verdict(expectation, "unknown", "nobody asked for it", service)
            continue
        used = account.failed / allowed if allowed > 0 else (1.0 if account.failed else 0.0)
        month = used * evidence.scenario.seconds / MONTH
        found = f"{_share(used)}: {account.failed:,.0f} of {account.requests:,.0f} requests failed"
        if account.failed >= 1:
            whole = f"{month:.0%}" if month >= 0.1 else f"{month * 100:.2g}%"
            found += f" ({whole} of a month's budget)"
        answer: Answer = "pass" if used * 100 <= share else "fail"
        yield Verdict(expectation, answer, found, service, _worst_cause(account), weight=used)
    if not any_objective:
        yield Verdict(expectation, "unknown", "no service has an availability objective")


def _share(used: float) -> str:
    return f"{used:.0%}" if used < 2 else f"{used:,.1f} times as much"


def _worst_cause(account: Account) -> str:
    """Why most of what failed did."""
    if not account.losses:
        return ""
    cause = max(sorted(account.losses), key=lambda one: account.losses[one])
    if account.losses[cause] < 0.5:
        return ""
    return f"{CAUSES[cause]} ({account.losses[cause]:,.0f} requests)"


def _latencies(evidence: Evidence) -> Iterator[Verdict]:
    if not evidence.scenario.expect.latency:
        return
    any_objective = False
    for service, account in evidence.accounts.items():
        limits = account.objective.latency if account.objective is not None else {}
        for percentile, limit in sorted(limits.items()):
            any_objective = True
            expectation = f"{percentile} within {_short(limit)}"
            slow = account.slow.get(percentile)
            if slow is None:
                yield Verdict(expectation, "unknown", "nothing was answered", service)
                continue
            allowed = 1.0 - float(percentile[1:]) / 100
            answer: Answer = "pass" if slow <= allowed else "fail"
            found = f"{slow:.2%} of the answers took longer, {allowed:.0%} may"
            cause, weight = _slowest(evidence, service), slow / allowed
            yield Verdict(expectation, answer, found, service, cause, weight=weight)
    if not any_objective:
        yield Verdict("latency objectives", "unknown", "no service has a latency objective")


def _short(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"


def _slowest(evidence: Evidence, service: str) -> str:
    curve = evidence.curve("latency_p99", service)
    if not curve:
        return ""
    time, value = max(curve, key=lambda point: (point[1], -point[0]))
    return f"p99 was {value * 1000:,.0f} ms at {evidence.clock(time)}"


def _recoveries(evidence: Evidence) -> Iterator[Verdict]:
    limit = evidence.scenario.expect.recovers
    if limit is None:
        return
    expectation = f"requests succeed again within {spoken(limit)}"
    found = faults(evidence)
    if not found:
        yield Verdict(expectation, "unknown", "nothing happened that one recovers from")
    for fault in found:
        times = {
            service: recovery(evidence, service, fault.at, fault.until)
            for service, account in evidence.accounts.items()
            if account.requests > 0
        }
        if not times:
            yield Verdict(expectation, "unknown", f"after {fault.words}: nobody asked")
            continue
        worst = max(times, key=lambda one: _or_ever(times[one]))
        yield _within(f"{expectation} after {fault.words}", times[worst], limit, worst)


def _or_ever(seconds: float | None) -> float:
    return float("inf") if seconds is None else seconds


def _within(
    expectation: str, seconds: float | None, limit: float, worst: str, cause: str = ""
) -> Verdict:
    if seconds is None:
        return Verdict(expectation, "fail", "not until the end", "", cause, worst)
    if seconds == 0:
        return Verdict(expectation, "pass", "at once", "", cause)
    answer: Answer = "pass" if seconds <= limit else "fail"
    return Verdict(expectation, answer, spoken(seconds), "", cause, worst)


def _serving_again(evidence: Evidence) -> Iterator[Verdict]:
    limit = evidence.scenario.expect.serving_again
    if limit is None:
        return
    expectation = f"as many instances serve as before within {spoken(limit)}"
    losses = evidence.of("act.zone-lost", "act.spot-sweep")
    if not losses:
        yield Verdict(expectation, "unknown", "no machine was lost")
    for loss in losses:
        times = {name: regained(evidence, name, loss["t"]) for name in evidence.accounts}
        worst = max(times, key=lambda one: _or_ever(times[one]))
        after = f"{expectation} of the loss at {evidence.clock(loss['t'])}"
        yield _within(after, times[worst], limit, worst)


def _pending(evidence: Evidence) -> Iterator[Verdict]:
    limit = evidence.scenario.expect.pending
    if limit is None:
        return
    expectation = f"no pod waits longer than {spoken(limit)} for its start"
    end = evidence.scenario.seconds
    for refused in evidence.of("event"):
        if refused["reason"] == "FailedCreate":
            service = refused["service"] or refused["name"]
            yield Verdict(expectation, "fail", "pods are refused", "", refused["message"], service)
            return
    worst = max(evidence.waits, key=lambda wait: wait.seconds(end), default=None)
    if worst is None:
        yield Verdict(expectation, "pass", "no pod was started")
        return
    seconds = worst.seconds(end)
    answer: Answer = "pass" if seconds <= limit else "fail"
    still = "" if worst.until is not None else ", and still does"
    found = f"{spoken(seconds)} from {evidence.clock(worst.since)} on{still}"
    yield Verdict(expectation, answer, found, "", worst.why, worst.service or worst.name)


def _lost(evidence: Evidence) -> Iterator[Verdict]:
    limit = evidence.scenario.expect.lost
    if limit is None:
        return
    expectation = f"at most {limit} requests are lost to pods that stop"
    lost = {
        service: sum(account.losses.get(cause, 0.0) for cause in ROLLOUT_CAUSES)
        for service, account in evidence.accounts.items()
    }
    total = sum(lost[service] for service in lost)
    if not evidence.of("pod.leaving"):
        yield Verdict(expectation, "unknown", "no pod stopped")
        return
    worst = max(lost, key=lambda one: lost[one])
    answer: Answer = "pass" if round(total) <= limit else "fail"
    found = f"{total:,.0f}" if total else "none"
    yield Verdict(expectation, answer, found, worst=worst if total else "")


def _deployed(evidence: Evidence) -> Iterator[Verdict]:
    limit = evidence.scenario.expect.deployed
    if limit is None:
        return
    expectation = f"every deploy is done within {spoken(limit)}"
    times: dict[str, float | None] = {}
    for begun in evidence.of("deploy.began"):
        service = begun["service"]
        ends = [
            one["t"]
            for one in evidence.of("deploy.done")
            if one["service"] == service and one["t"] >= begun["t"]
        ]
        seconds = ends[0] - begun["t"] if ends else None
        if service not in times or _or_ever(seconds) > _or_ever(times[service]):
            times[service] = seconds
    if not times:
        yield Verdict(expectation, "unknown", "nothing was deployed")
        return
    worst = max(times, key=lambda one: _or_ever(times[one]))
    cause = "the slowest of " + str(len(times)) if len(times) > 1 else ""
    yield _within(expectation, times[worst], limit, worst, cause)


def _upgraded(evidence: Evidence) -> Iterator[Verdict]:
    if not evidence.scenario.expect.upgraded:
        return
    expectation = "every node upgrade is completed"
    if not evidence.upgrades:
        yield Verdict(expectation, "unknown", "no node group was upgraded")
    for upgrade in evidence.upgrades:
        pods = named(upgrade.blocked)
        cause = f"{upgrade.error}: {pods}" if upgrade.error else ""
        answer: Answer = "pass" if upgrade.phase == "done" else "fail"
        found = "completed" if answer == "pass" else f"stopped in {upgrade.phase}"
        yield Verdict(expectation, answer, found, upgrade.group, cause)


def _turns(evidence: Evidence) -> Iterator[Verdict]:
    limit = evidence.scenario.expect.turns
    if limit is None:
        return
    expectation = f"no autoscaler changes direction more than {limit} times an hour"
    if not evidence.limits:
        yield Verdict(expectation, "unknown", "there is no autoscaler")
        return
    most = {name: most_within(turns(sized(evidence, name))) for name in sorted(evidence.limits)}
    worst = max(most, key=lambda one: most[one][0])
    count, at = most[worst]
    answer: Answer = "pass" if count <= limit else "fail"
    found = f"{count} {'time' if count == 1 else 'times'}" + (
        f" from {evidence.clock(at)} on" if count else ""
    )
    yield Verdict(expectation, answer, found, worst=worst if count else "")


def _cost(evidence: Evidence) -> Iterator[Verdict]:
    limit = evidence.scenario.expect.cost
    if limit is None:
        return
    expectation = f"at most ${limit:g} a day"
    if evidence.costs is None:
        yield Verdict(expectation, "unknown", "there is no modelled cloud")
        return
    a_day = evidence.costs.total * DAY / evidence.scenario.seconds
    answer: Answer = "pass" if a_day <= limit else "fail"
    yield Verdict(expectation, answer, f"${a_day:,.2f} a day")


def _awake(evidence: Evidence) -> Iterator[Verdict]:
    limit = evidence.scenario.expect.awake
    if limit is None:
        return
    expectation = f"all services serve within {spoken(limit)} after waking"
    woken = evidence.of("act.woken")
    if not woken:
        yield Verdict(expectation, "unknown", "nobody was woken")
    for wake in woken:
        asleep = [one["t"] for one in evidence.of("act.asleep") if one["t"] <= wake["t"]]
        before = max(asleep, default=0.0)
        times = {name: _filled(evidence, name, before, wake["t"]) for name in evidence.accounts}
        worst = max(times, key=lambda one: _or_ever(times[one]))
        at = f"{expectation} at {evidence.clock(wake['t'])}"
        yield _within(at, times[worst], limit, worst)


def _idle(evidence: Evidence) -> Iterator[Verdict]:
    """What could not be done was not rehearsed, whatever else passed."""
    for act in evidence.of("act.idle", "act.refused"):
        yield Verdict(f"{act['act']} happens", "unknown", f"it could not be done: {act['why']}")


def _filled(evidence: Evidence, service: str, before: float, since: float) -> float | None:
    """Seconds until a service has as many instances as at an earlier moment."""
    serving = evidence.curve("serving", service)
    earlier = [value for time, value in serving if time <= before]
    wanted = earlier[-1] if earlier else 1.0
    for time, value in serving:
        if time >= since and value >= wanted:
            return time - since
    return None
