"""What in the journal is worth telling people, and whom: entries in, notices out.

A notice's key follows from the entry alone, so whoever gets one twice can tell. A failure is told
once for each commit and environment, however often it is tried again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Template
from typing import Any

from kiban.plans.plan import Plan
from kiban.plans.records import Entry, Event, GateAnswered, PlanClosed, PlanOpened
from kiban.primitives.instants import Instant, rfc3339
from kiban.spec.notifications import NoticeKind, Notification
from kiban.telemetry.deployments import ROLLBACK

# Events of the journal that are told as they are.
_TOLD: Mapping[str, NoticeKind] = {
    "delivery/delivered": "delivered",
    "delivery/commit-refused": "refused",
    "delivery/deletions-withheld": "withheld",
    "delivery/drift": "drift",
    "delivery/drifted": "drift",
    "delivery/plan-differs": "not-as-planned",
    "release/quarantined": "quarantined",
    "release/lifted": "lifted",
    "release/approved": "approved",
}
_SERVICE_STEP = "service:"
# Of as many services a text names each; more are counted.
NAMED_SERVICES = 5


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened, ready to be told."""

    kind: NoticeKind
    sequence: int
    at: Instant
    text: str
    environment: str = ""
    cluster: str = ""
    services: tuple[str, ...] = ()
    commit: str = ""
    author: str = ""
    message: str = ""


@dataclass(slots=True)
class Notices:
    """Makes notices of entries, which must come in their order. What came before the first one
    that is to be told should come too, so that it is known what was told."""

    _plans: dict[str, Plan] = field(default_factory=dict)
    # The commit whose failure was told last, by environment and cluster.
    _failed: dict[str, str] = field(default_factory=dict)
    _newest: dict[str, str] = field(default_factory=dict)

    def take(self, entry: Entry) -> Notice | None:
        """The notice that an entry is worth, if any."""
        match entry.record:
            case PlanOpened(plan):
                return self._opened(entry, plan)
            case PlanClosed() as closed:
                return self._closed(entry, closed)
            case GateAnswered() as gate if gate.answer == "fail":
                return self._gate(entry, gate)
            case Event() as event if event.code in _TOLD:
                return self._event(entry, event)
            case _:
                return None

    def _opened(self, entry: Entry, plan: Plan) -> Notice | None:
        self._plans[plan.id] = plan
        commit = str(plan.facts.get("commit", ""))
        message = str(plan.facts.get("message", ""))
        if plan.kind != "sync" or self._newest.get(plan.subject) == commit:
            return None
        self._newest[plan.subject] = commit
        if ROLLBACK.match(message) is None:
            return None
        return _of_plan("rolled-back", entry, plan, f"{plan.subject}: {message}")

    def _closed(self, entry: Entry, closed: PlanClosed) -> Notice | None:
        plan = self._plans.get(closed.plan)
        # What was delivered is told by the event that follows.
        if plan is None or (plan.kind == "sync" and closed.ending == "done"):
            return None
        del self._plans[plan.id]
        if closed.ending != "failed" or plan.kind != "sync":
            return None
        commit = str(plan.facts.get("commit", ""))
        if self._failed.get(plan.subject) == commit:
            return None
        self._failed[plan.subject] = commit
        text = f"{commit[:8]} failed in {plan.subject}: {closed.message}"
        return _of_plan("failed", entry, plan, text)

    def _gate(self, entry: Entry, gate: GateAnswered) -> Notice | None:
        plan, about = self._plans.get(gate.plan), gate.measured
        environment = str(about.get("environment", ""))
        service = str(about.get("service", ""))
        where = environment or (plan.subject if plan else "")
        what = f" of {service} {about.get('tag', '')}".rstrip() if service else ""
        text = f"the gate {gate.gate}{what} failed in {where}: {gate.message}"
        if plan is not None and not environment:
            return _of_plan("gate", entry, plan, text)
        services = (service,) if service else ()
        return Notice("gate", entry.sequence, entry.at, text, environment, "", services)

    def _event(self, entry: Entry, event: Event) -> Notice:
        kind, plan = _TOLD[event.code], self._plans.get(event.plan)
        if kind in ("quarantined", "lifted", "approved"):
            return _of_release(kind, entry, event)
        if kind == "delivered":
            self._failed.pop(event.subject, None)
            self._plans.pop(event.plan, None)
        if plan is not None:
            return _of_plan(kind, entry, plan, event.message)
        environment, cluster = _places(event.subject)
        commit = str(event.data.get("commit", ""))
        return Notice(
            kind, entry.sequence, entry.at, f"{event.subject}: {event.message}",
            environment, cluster, (), commit,
        )  # fmt: skip


def is_wanted(notice: Notice, by: Notification, teams: Mapping[str, str]) -> bool:
    """Whether a notification asks for a notice; `teams` are the owners of services.

    A notice that is about no service in particular concerns all of its environment's.
    """
    if by.on and notice.kind not in by.on:
        return False
    if by.environments and notice.environment and notice.environment not in by.environments:
        return False
    if by.services and notice.services and not set(by.services) & set(notice.services):
        return False
    owners = {teams.get(service, "") for service in notice.services}
    return not (by.teams and notice.services and not owners & set(by.teams))


def words_of(notice: Notice, platform: str, teams: Mapping[str, str]) -> dict[str, str]:
    """What a template may name."""
    owners = dict.fromkeys(teams.get(service, "") for service in notice.services)
    return {
        "platform": platform,
        "environment": notice.environment,
        "cluster": notice.cluster,
        "kind": notice.kind,
        "service": notice.services[0] if len(notice.services) == 1 else "",
        "services": named(notice.services),
        "team": ", ".join(owner for owner in owners if owner),
        "commit": notice.commit[:8],
        "author": notice.author,
        "message": notice.message,
        "text": notice.text,
    }


def text_of(notice: Notice, by: Notification, platform: str, teams: Mapping[str, str]) -> str:
    """The text that is told."""
    words = words_of(notice, platform, teams)
    return Template(by.template or "[$platform] $text").safe_substitute(words)


def key_of_notice(notice: Notice, platform: str, name: str) -> str:
    """The same for every attempt to tell it, and for nothing else."""
    return f"{platform}-{name}-{notice.sequence}"


def as_data(notice: Notice, key: str, text: str, words: Mapping[str, str]) -> dict[str, Any]:
    """What a webhook gets."""
    return {
        "id": key,
        "kind": notice.kind,
        "at": rfc3339(notice.at),
        "platform": words["platform"],
        "environment": notice.environment,
        "cluster": notice.cluster,
        "services": list(notice.services),
        "team": words["team"],
        "commit": notice.commit,
        "author": notice.author,
        "message": notice.message,
        "text": text,
    }


def named(services: tuple[str, ...]) -> str:
    """`web, pay and 3 more`."""
    if len(services) <= NAMED_SERVICES:
        return ", ".join(services)
    return f"{', '.join(services[:NAMED_SERVICES])} and {len(services) - NAMED_SERVICES} more"


def _of_plan(kind: NoticeKind, entry: Entry, plan: Plan, text: str) -> Notice:
    environment, cluster = _places(plan.subject)
    services = tuple(
        step.id.removeprefix(_SERVICE_STEP)
        for step in plan.steps
        if step.id.startswith(_SERVICE_STEP)
    )
    facts = plan.facts
    return Notice(
        kind, entry.sequence, entry.at, text, environment, cluster, services,
        str(facts.get("commit", "")), str(facts.get("author", "")), str(facts.get("message", "")),
    )  # fmt: skip


def _of_release(kind: NoticeKind, entry: Entry, event: Event) -> Notice:
    data = event.data
    tag, who = str(data.get("tag", "")), str(data.get("who", ""))
    text = f"{event.subject} {tag} was {kind}{f' by {who}' if who else ''}: {event.message}"
    environment = str(data.get("environment", ""))
    return Notice(
        kind, entry.sequence, entry.at, text, environment, "", (event.subject,), "", who
    )  # fmt: skip


def _places(subject: str) -> tuple[str, str]:
    """`shop/prod@eks` gives `prod` and `eks`."""
    environment, _, cluster = subject.partition("/")[2].partition("@")
    return environment, cluster
