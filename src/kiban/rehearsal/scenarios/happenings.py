"""What the plots mark: deploys, losses, surges, and what came of them."""

from kiban.rehearsal.results import Happening
from kiban.rehearsal.scenarios.evidence import Evidence

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
