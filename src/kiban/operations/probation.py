"""Releases on probation: from their delivery on, the gates of their environment are asked about
them until each has answered pass at the end of its window, or fail at any time.

All of it is read from the journal, so that a process that starts anew goes on where another one
was killed: `watches` says who is on probation, `pending` what to ask, `record` what to write.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kiban.delivery.releases import tag_of
from kiban.operations.gates import Verdict
from kiban.plans.records import Answer, Entry, GateAnswered
from kiban.primitives.instants import Instant, seconds_between
from kiban.spec.gates import MetricGate
from kiban.telemetry import Deployment

# A gate is asked about so often within its window, but neither more nor less often than this.
ASKED_TIMES = 30
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 15.0

# Environment, cluster, service, tag and gate.
GateKey = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Watch:
    """A service's release where it runs: when its delivery `began`, and `since` when it runs."""

    environment: str
    service: str
    tag: str
    began: Instant
    since: Instant
    cluster: str = ""

    def key(self, gate: str) -> GateKey:
        return (self.environment, self.cluster, self.service, self.tag, gate)


@dataclass(frozen=True, slots=True)
class Answered:
    """The last answer of a gate about a release; a `final` one is not asked again."""

    answer: Answer
    words: str
    at: Instant
    final: bool


def watches(environment: str, deployments: Sequence[Deployment]) -> list[Watch]:
    """What runs in an environment, from the deployments of it on one cluster, the oldest first."""
    ran = [each for each in deployments if each.images and each.ended is not None]
    if not ran:
        return []
    found = []
    cluster = ran[-1].subject.partition("@")[2]
    for service, image in sorted(ran[-1].images.items()):
        first = ran[-1]
        for deployment in reversed(ran):
            if tag_of(deployment.images.get(service, "")) != tag_of(image):
                break
            first = deployment
        assert first.ended is not None
        tag = tag_of(image)
        found.append(Watch(environment, service, tag, first.began, first.ended, cluster))
    return found


def answers(entries: Iterable[Entry]) -> dict[GateKey, Answered]:
    """The last answer of every gate about every release."""
    found: dict[GateKey, Answered] = {}
    for entry in entries:
        record = entry.record
        if isinstance(record, GateAnswered) and "service" in record.measured:
            about = record.measured
            names = ("environment", "cluster", "service", "tag")
            where, cluster, service, tag = (str(about.get(name, "")) for name in names)
            key = (where, cluster, service, tag, record.gate)
            final = bool(about.get("final"))
            found[key] = Answered(record.answer, record.message, entry.at, final)
    return found


def answered(watch: Watch, gate: str, known: Mapping[GateKey, Answered]) -> Answered | None:
    """The last answer about this run of a release; one about an earlier run does not count."""
    found = known.get(watch.key(gate))
    return found if found is not None and found.at >= watch.since else None


def pending(
    watch: Watch, gates: Mapping[str, MetricGate], known: Mapping[GateKey, Answered]
) -> dict[str, MetricGate]:
    """The gates that have not answered for good."""
    found = {name: answered(watch, name, known) for name in gates}
    return {
        name: gate
        for name, gate in gates.items()
        if (last := found[name]) is None or not last.final
    }


def pause_seconds(gate: MetricGate) -> float:
    """How long to wait before a gate is asked again."""
    return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, gate.window / ASKED_TIMES))


def record(
    watch: Watch, gate: MetricGate, verdict: Verdict, last: Answered | None, now: Instant
) -> GateAnswered | None:
    """What to write of an answer: nothing when it says what the last one said.

    A failure is final at once; a pass when the release has run for the window.
    """
    is_over = seconds_between(watch.since, now) >= gate.window
    final = verdict.answer == "fail" or (verdict.answer == "pass" and is_over)
    if last is not None and (last.answer, last.final) == (verdict.answer, final):
        return None
    return answer_of(watch, verdict, final=final)


def answer_of(watch: Watch, verdict: Verdict, *, final: bool = True) -> GateAnswered:
    """An answer about a release, for the journal."""
    about = {
        "environment": watch.environment, "cluster": watch.cluster,
        "service": watch.service, "tag": watch.tag,
    }  # fmt: skip
    measured = {**about, **verdict.measured, "final": final}
    return GateAnswered("", verdict.gate, verdict.answer, verdict.words, measured)
