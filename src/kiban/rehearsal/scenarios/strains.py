"""Who is at a limit: services that fall behind, stand at their largest size, lose requests when
their pods stop, or steer by old figures; and jobs that start all at once."""

from collections.abc import Iterator

from kiban.rehearsal.results import Finding
from kiban.rehearsal.scenarios.evidence import Evidence
from kiban.rehearsal.scenarios.judging import ROLLOUT_CAUSES
from kiban.rehearsal.scenarios.timelines import sized, spoken

# A herd: jobs that begin within so many seconds of waking.
HERD_SECONDS = 60.0
# Figures older than this lead an autoscaler astray: several of its rounds.
OLD_SECONDS = 60.0
# Standing at a limit is worth a word when it lasts.
AT_LIMIT_SECONDS = 600.0
# A share of what its instances can do that is worth more of them.
BUSY = 0.5
# So many seconds' worth of requests waiting is falling behind.
BEHIND_SECONDS = 60.0
# A queue that is nearly as long at the end as ever is not on its way to be worked off.
_STILL = 0.9


def strains(evidence: Evidence) -> Iterator[Finding]:
    """All of these."""
    for look in (_herd, _behind, _at_limit, _old_metrics, _rollouts):
        yield from look(evidence)


def _herd(evidence: Evidence) -> Iterator[Finding]:
    """Does waking start every missed job at once?"""
    for wake in evidence.of("act.woken"):
        began = [name for time, name in evidence.jobs if 0 <= time - wake["t"] <= HERD_SECONDS]
        resumed = wake["jobs"]
        if not resumed:
            continue
        who = f"{len(began) or 'none'} of its {resumed} cron jobs"
        if resumed == 1:
            who = "its only cron job" if began else "no cron job"
        elif len(began) == resumed:
            who = f"each of its {resumed} cron jobs"
        what = f"waking starts {who} at once"
        if not began:
            yield Finding("wake-calm", "", what, answer="pass", at=wake["t"])
            continue
        yield Finding(
            "wake-herd",
            "",
            f"{what}, before services are ready",
            "one that is no longer suspended makes up for its last missed run, though not for "
            "those before",
            "give it a `startingDeadlineSeconds` shorter than the night, or wake jobs later",
            "fail" if len(began) > 1 else "unknown",
            wake["t"],
            "pending",
        )


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
        since = f"from {evidence.clock(began)} on" if began else "from the start"
        left = queue[-1][1]
        if done is not None:
            end = f"has caught up at {evidence.clock(done)}"
        elif left >= most * _STILL:
            end = "does not catch up"
        else:
            end = f"has not caught up at the end, when {left:,.0f} still wait"
        things = "messages" if service in evidence.fed else "requests"
        yield Finding(
            "falls-behind",
            service,
            f"it falls behind {since} and {end}: {most:,.0f} {things} wait at {evidence.clock(at)}",
            "more comes than its instances can do",
            "give it more instances, or let an autoscaler follow its queue",
            "fail" if done is None and left >= most * _STILL else "unknown",
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
        why = "the autoscaler wants more and may not have it"
        fix = "raise `scale.max`, or let an instance do more"
        if most < BUSY:
            why += f", though its instances are only {most:.0%} busy"
            fix = "scale by what it is short of, or ask for as much CPU as it uses"
        yield Finding(
            "at-maximum",
            service,
            what + (f", {most:.0%} busy" if BUSY <= most < 2 else ", overrun" if most >= 2 else ""),
            why,
            fix,
            "fail" if most >= 1.0 else "unknown",
            spans[0][0],
            "replicas",
        )


def _spans_at(evidence: Evidence, service: str, size: int) -> list[tuple[float, float]]:
    """When a service had a size that it was scaled to, at the start by what was before it."""
    found: list[tuple[float, float]] = []
    earlier = [
        one["after"]
        for one in evidence.records
        if one["what"] == "scaled" and one["service"] == service and one["t"] < 0
    ]
    since = 0.0 if earlier and earlier[-1] == size else None
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
