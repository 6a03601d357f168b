"""What a failed gate leads to: the image is quarantined, and where it runs its line in Git goes
back to the last release that is known to have run well.

Each is decided from what is on record alone, so that a process that was killed between the two
does the second after it starts again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kiban.delivery.releases import tag_of
from kiban.operations.gates import Verdict
from kiban.operations.probation import Watch
from kiban.operations.promotion import QUARANTINED, Quarantine, quarantine_of
from kiban.plans.records import Event
from kiban.telemetry import Deployment

WHO = "kiban"


@dataclass(frozen=True, slots=True)
class Rollback:
    """A line of a release file that goes back, and why."""

    environment: str
    service: str
    tag: str
    to: str
    why: str

    @property
    def message(self) -> str:
        """Of the commit: a line for logs, then who decided and how to undo it."""
        return (
            f"Roll {self.service} back to {self.to} in {self.environment}\n\n"
            f"{self.why}.\n\n"
            f"{self.service} {self.tag} is quarantined; to allow it again:\n"
            f"kiban quarantine lift {self.service}={self.tag} --reason WHY"
        )


def quarantined_by(watch: Watch, verdict: Verdict) -> Event:
    """The record that keeps a release which failed a gate from being deployed again."""
    why = f"The gate {verdict.gate} failed in {watch.environment}: {verdict.words}"
    data = {
        "tag": watch.tag, "who": WHO, "environment": watch.environment, "gate": verdict.gate,
        "measured": dict(verdict.measured),
    }  # fmt: skip
    return Event(QUARANTINED, watch.service, why, data=data)


def rollbacks(
    environment: str,
    released: Mapping[str, str],
    held: Mapping[tuple[str, str], Quarantine],
    deployments: Sequence[Deployment],
) -> list[Rollback]:
    """The lines of an environment's release file that failed a gate there, with what ran before
    them; what nothing ran before stays as it is."""
    found = []
    for service, tag in sorted(released.items()):
        quarantine = quarantine_of(service, tag, held)
        if quarantine is None or quarantine.environment != environment:
            continue
        if to := last_well(service, held, deployments):
            found.append(Rollback(environment, service, tag, to, quarantine.why))
    return found


def last_well(
    service: str,
    held: Mapping[tuple[str, str], Quarantine],
    deployments: Sequence[Deployment],
) -> str:
    """The newest release of a service that was delivered and is not quarantined; empty when none
    is known."""
    for deployment in reversed(deployments):
        tag = tag_of(deployment.images.get(service, ""))
        if tag and quarantine_of(service, tag, held) is None:
            return tag
    return ""
