"""Questions to curves over time: when did it recover, when was it as large as before, how often did
it turn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kiban.rehearsal.observations import Record
from kiban.rehearsal.scenarios.evidence import Evidence

HOUR = 3600.0
# So long must all be well before it counts as recovered.
CALM_SECONDS = 120.0
# A size that grows so many times for a while has overshot.
OVERSHOOT = 1.5
# Where a service has no objective, one request of a thousand may fail.
USUAL_FAILURES = 0.001
# So many names are said; of more, how many they are.
NAMED = 6
# Fewer requests a second than this say nothing.
_NOBODY = 1e-6
# What begins a time of trouble, in the words of acts and of the cloud.
FAULTS = ("act.zone-lost", "act.spot-sweep", "act.surge", "act.mended", "act.rollback")


# And what begins one that is counted from its end, or takes instances away on purpose.
_TROUBLES = (*FAULTS, "act.broken", "act.deploy", "act.asleep", "act.woken", "act.upgrade")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something after which services should be well again soon; what fails after `until` is put
    down to the next one."""

    at: float
    words: str
    until: float = float("inf")


def faults(evidence: Evidence) -> list[Fault]:
    """Every fault, in order. What is undone later counts from then on."""
    return [
        Fault(one["t"], _words(one), next_trouble(evidence, one["t"]))
        for one in evidence.of(*FAULTS)
    ]


def next_trouble(evidence: Evidence, since: float) -> float:
    """When the next trouble begins: what happens from then on is put down to that."""
    troubles = (
        one["t"] for one in evidence.of(*_TROUBLES) if one["what"] != "act.deploy" or one["bad"]
    )
    return min((at for at in troubles if at > since), default=float("inf"))


def _words(record: Record) -> str:
    """What it was; the same for every seed, so that seeds can be counted together."""
    what = record["what"]
    if what == "act.zone-lost":
        return f"the loss of {record['zone']}"
    if what == "act.spot-sweep":
        return "spot machines were taken back"
    if what == "act.surge":
        return f"the surge to {record['factor']:g} times as many requests"
    if what == "act.mended":
        return f"{record['name']} came back"
    return f"the rollback of {record['service']}"


def recovery(
    evidence: Evidence, service: str, since: float, until: float = float("inf")
) -> float | None:
    """Seconds from a fault until requests to a service succeed again and go on doing so; 0 when
    it never failed, None when it does not recover."""
    objective = evidence.accounts[service].objective
    allowed = USUAL_FAILURES
    if objective is not None and objective.availability is not None:
        allowed = max(1.0 - objective.availability, allowed)
    failed = evidence.curve("failed", service)
    asked = evidence.curve("requests", service)
    end = None
    last = since
    for (time, bad), (_, all_) in zip(failed, asked, strict=True):
        if time < since:
            continue
        if time >= until:
            return 0.0 if end is None else end - since
        if all_ > _NOBODY and bad / all_ > allowed:
            end = time
        elif end is not None and time - end >= CALM_SECONDS:
            return end - since
        last = time
    if end is None:
        return 0.0
    return end - since if last - end >= CALM_SECONDS else None


def regained(evidence: Evidence, service: str, since: float) -> float | None:
    """Seconds until a service has as many serving instances as before a moment, or as many as are
    wanted of it by then; None when that does not happen, 0 when it had them until the next trouble
    began."""
    serving, until = evidence.curve("serving", service), next_trouble(evidence, since)
    before = [value for time, value in serving if time <= since]
    wanted = before[-1] if before else 0.0
    fell = False
    for time, value in serving:
        if time <= since:
            continue
        if not fell and time >= until:
            return 0.0
        target = min(wanted, _size(evidence, service, time, wanted))
        fell = fell or value < target
        if fell and value >= target:
            return time - since
    return None if fell else 0.0


def _size(evidence: Evidence, service: str, at: float, otherwise: float) -> float:
    """How many instances of a service were wanted at a moment."""
    sizes = [one["after"] for one in sized(evidence, service) if one["t"] <= at]
    return float(sizes[-1]) if sizes else otherwise


def sized(evidence: Evidence, service: str) -> list[Record]:
    """Every change of a service's size."""
    return [
        one
        for one in evidence.of("scaled")
        if one["service"] == service and one["before"] is not None and one["after"] is not None
    ]


def turns(
    changes: Sequence[Record], since: float = 0.0, until: float = float("inf")
) -> list[float]:
    """When a size that was growing began to shrink, or the other way round."""
    found = []
    before = 0
    for one in changes:
        step = one["after"] - one["before"]
        direction = (step > 0) - (step < 0)
        if direction and before and direction != before and since <= one["t"] <= until:
            found.append(one["t"])
        before = direction or before
    return found


def overshoot(changes: Sequence[Record], since: float, until: float) -> tuple[int, int, int] | None:
    """A size that grows by half or more and goes most of the way back: what it was, its top, and
    what it came back to."""
    within = [one for one in changes if since <= one["t"] <= until]
    if not within:
        return None
    before = int(within[0]["before"])
    top = max(range(len(within)), key=lambda number: within[number]["after"])
    highest = int(within[top]["after"])
    lowest = min((int(one["after"]) for one in within[top:]), default=highest)
    if highest < before * OVERSHOOT or highest - lowest < (highest - before) / 2:
        return None
    return before, highest, lowest


def most_within(times: Iterable[float], seconds: float = HOUR) -> tuple[int, float]:
    """The largest number of moments within so many seconds, and the first of them."""
    ordered = sorted(times)
    best, at = 0, 0.0
    for index, time in enumerate(ordered):
        count = sum(1 for other in ordered[index:] if other - time <= seconds)
        if count > best:
            best, at = count, time
    return best, at


def named(subjects: Sequence[str]) -> str:
    """The names, or of many the first ones and how many there are."""
    if len(subjects) <= NAMED:
        return ", ".join(subjects)
    return f"{', '.join(subjects[: NAMED - 1])} and {len(subjects) - NAMED + 1} more"


def spoken(seconds: float) -> str:
    """A span as people say it: `45 s`, `6 min 30 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "")
