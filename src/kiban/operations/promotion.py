"""Whether a release may go from one environment to the next: the gates on its way, each answered
pass, fail or unknown, from what the journal knows. Unknown never passes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kiban.delivery.releases import same_image
from kiban.kube.schedule_times import parse_schedule, parse_zone
from kiban.operations.probation import Answered, GateKey, Watch, answered
from kiban.plans.records import Answer, Entry, Event
from kiban.primitives.instants import Instant, later, rfc3339, seconds_between, span
from kiban.spec.nouns import Environment, Freeze
from kiban.telemetry import Deployment

QUARANTINED, LIFTED, APPROVED = "release/quarantined", "release/lifted", "release/approved"
# A pull request, or a branch for one.
PROPOSED = "release/proposed"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service's release in one environment that the next one does not run; `current` is what
    runs there, empty when nothing does."""

    service: str
    tag: str
    current: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One gate's answer, in a sentence."""

    gate: str
    answer: Answer
    words: str


@dataclass(frozen=True, slots=True)
class Quarantine:
    """An image that must not be deployed until a person lifts it. `environment` is where a gate
    found it bad, empty when a person did."""

    service: str
    tag: str
    why: str
    who: str
    since: Instant
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gates look at: the deployments of the environment a release comes from, what is
    quarantined, and who approved what; the metric gates there, by service, with whom they watch
    and what they answered. `left` holds, for promotions that nobody asked for, the releases that
    the target ran and left again."""

    deployments: Sequence[Deployment]
    quarantines: Mapping[tuple[str, str], Quarantine]
    approvals: Mapping[tuple[str, str, str], frozenset[str]]
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    watches: Sequence[Watch] = ()
    answers: Mapping[GateKey, Answered] = field(default_factory=dict)
    left: Mapping[str, frozenset[str]] = field(default_factory=dict)


def quarantine_of(
    service: str, release: str, held: Mapping[tuple[str, str], Quarantine]
) -> Quarantine | None:
    """What keeps a release from being deployed: its own quarantine, or that of the same image
    under another tag."""
    exact = held.get((service, release))
    if exact is not None:
        return exact
    found = (
        one for (name, tag), one in held.items() if name == service and same_image(tag, release)
    )
    return next(found, None)


def candidates(
    source: Mapping[str, str], target: Mapping[str, str], services: Iterable[str] = ()
) -> list[Candidate]:
    """What would change in the target, sorted; only the services that are named, if any are."""
    chosen = sorted(services) or sorted(source)
    return [
        Candidate(name, source[name], target.get(name, ""))
        for name in chosen
        if name in source and source[name] != target.get(name)
    ]


def readings(
    candidate: Candidate, environment: str, into: Environment, facts: Facts, now: Instant
) -> list[Reading]:
    """Every gate on the way into an environment, answered for one release."""
    found = [_quarantine(candidate, facts), _proven(candidate, facts)]
    found += [_measured(candidate, name, facts) for name in facts.gates.get(candidate.service, ())]
    if into.soak:
        found.append(_soaked(candidate, into.soak, facts, now))
    found += [_frozen(name, window, now) for name, window in into.freeze.items()]
    if into.approvals:
        found.append(_approved(candidate, environment, into.approvals, facts))
    if candidate.tag in facts.left.get(candidate.service, ()):
        words = f"{candidate.tag} was taken back in {environment}; only a person brings it again"
        found.append(Reading("not taken back", "fail", words))
    return found


def quarantines(entries: Iterable[Entry]) -> dict[tuple[str, str], Quarantine]:
    """What is quarantined, by service and tag, after all that the journal says."""
    found: dict[tuple[str, str], Quarantine] = {}
    for entry in entries:
        record = entry.record
        if not isinstance(record, Event) or record.code not in (QUARANTINED, LIFTED):
            continue
        key = (record.subject, str(record.data["tag"]))
        if record.code == LIFTED:
            found.pop(key, None)
        else:
            who = str(record.data.get("who", ""))
            where = str(record.data.get("environment", ""))
            found[key] = Quarantine(*key, record.message, who, entry.at, where)
    return found


def proposed(entries: Iterable[Entry]) -> dict[str, Mapping[str, str]]:
    """What was proposed last for each environment: the releases, by service."""
    found: dict[str, Mapping[str, str]] = {}
    for entry in entries:
        record = entry.record
        if isinstance(record, Event) and record.code == PROPOSED:
            found[record.subject] = dict(record.data["releases"])
    return found


def approvals(entries: Iterable[Entry]) -> dict[tuple[str, str, str], frozenset[str]]:
    """Who said yes, by service, tag and environment."""
    found: dict[tuple[str, str, str], frozenset[str]] = {}
    for entry in entries:
        record = entry.record
        if isinstance(record, Event) and record.code == APPROVED:
            key = (record.subject, str(record.data["tag"]), str(record.data["environment"]))
            found[key] = found.get(key, frozenset()) | {str(record.data["who"])}
    return found


def _quarantine(candidate: Candidate, facts: Facts) -> Reading:
    held = quarantine_of(candidate.service, candidate.tag, facts.quarantines)
    if held is None:
        return Reading("quarantine", "pass", f"{candidate.tag} is not quarantined")
    by = f" by {held.who}" if held.who else ""
    return Reading("quarantine", "fail", f"{candidate.tag} was quarantined{by}: {held.why}")


def _running(candidate: Candidate, facts: Facts) -> list[Deployment]:
    """The deployments since which this release runs without a break, one for each cluster; none
    when any cluster does not run it."""
    found: dict[str, Deployment | None] = {}
    for deployment in facts.deployments:
        if deployment.outcome == "superseded":
            continue
        image = deployment.images.get(candidate.service, "")
        if deployment.outcome != "delivered" or not _is_tagged(image, candidate.tag):
            found[deployment.subject] = None
        elif found.get(deployment.subject) is None:
            found[deployment.subject] = deployment
    known = [each for each in found.values() if each is not None]
    return known if len(known) == len(found) else []


def _is_tagged(image: str, tag: str) -> bool:
    return image.endswith((f":{tag}", f"@{tag}"))


def _proven(candidate: Candidate, facts: Facts) -> Reading:
    """A release may come only from where it runs well."""
    if _running(candidate, facts):
        return Reading("runs well", "pass", f"{candidate.tag} runs where it comes from")
    last = facts.deployments[-1] if facts.deployments else None
    if last is None:
        return Reading("runs well", "unknown", "nothing is known of where it comes from")
    if last.outcome == "failing":
        return Reading("runs well", "fail", f"it fails where it comes from: {last.reason}")
    return Reading("runs well", "unknown", f"{candidate.tag} is not known to run there yet")


def _measured(candidate: Candidate, gate: str, facts: Facts) -> Reading:
    """What a metric gate answered about the release where it comes from; a pass counts when its
    window is over, and on several clusters on each of them."""
    watched = [
        watch
        for watch in facts.watches
        if (watch.service, watch.tag) == (candidate.service, candidate.tag)
    ]
    found = [answered(watch, gate, facts.answers) for watch in watched]
    known = [each for each in found if each is not None]
    if failed := [each for each in known if each.answer == "fail"]:
        return Reading(f"gate {gate}", "fail", failed[0].words)
    if not known or len(known) < len(found):
        return Reading(f"gate {gate}", "unknown", "it has not been asked yet")
    if open_ := [each for each in known if each.answer != "pass"]:
        return Reading(f"gate {gate}", "unknown", open_[0].words)
    if not all(each.final for each in known):
        return Reading(f"gate {gate}", "unknown", f"so far {known[0].words}; its window is open")
    return Reading(f"gate {gate}", "pass", known[0].words)


def _soaked(candidate: Candidate, seconds: float, facts: Facts, now: Instant) -> Reading:
    ends = [each.ended for each in _running(candidate, facts) if each.ended is not None]
    since = max(ends, default=None)
    if since is None:
        return Reading("soak", "unknown", "it has not begun to run where it comes from")
    so_far = seconds_between(since, now)
    if so_far >= seconds:
        return Reading("soak", "pass", f"it has run well for {span(round(so_far))}")
    left = span(round(seconds - so_far))
    return Reading("soak", "fail", f"it must run well for {span(seconds)}; {left} are left")


def _frozen(name: str, window: Freeze, now: Instant) -> Reading:
    """A window is open from each of its starts for as long as it lasts."""
    schedule = parse_schedule(window.start, parse_zone(window.timezone))
    began = schedule.after(later(now, -window.duration))
    if began is None or began > now:
        return Reading(f"freeze {name}", "pass", "it is not now")
    until = rfc3339(later(began, window.duration))
    why = f": {window.description}" if window.description else ""
    return Reading(f"freeze {name}", "fail", f"frozen until {until}{why}")


def _approved(candidate: Candidate, environment: str, needed: int, facts: Facts) -> Reading:
    people = facts.approvals.get((candidate.service, candidate.tag, environment), frozenset())
    if len(people) >= needed:
        return Reading("approvals", "pass", f"{', '.join(sorted(people))} said yes")
    fix = f"kiban approve {candidate.service}={candidate.tag} --env {environment}"
    return Reading("approvals", "fail", f"{len(people)} of {needed} people said yes; {fix}")
