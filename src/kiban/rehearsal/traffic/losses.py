"""Requests that failed, counted by service and by cause."""

from collections.abc import Mapping, Sequence

import numpy as np

from kiban.rehearsal.traffic.exact import Vector

# Why a request fails, as the model tells them apart. The first ones are of the platform's making.
CAUSES: Mapping[str, str] = {
    "refused": "no instance was there to take it",
    "terminating": "it reached an instance that was told to stop and serves no more",
    "unready": "it reached an instance that had crashed",
    "silent": "it reached an instance on a machine that is gone, before endpoints said so",
    "killed": "its instance was killed while it was being answered",
    "crashed": "its instance crashed, or was restarted, while it was being answered",
    "overload": "it waited longer than its caller, or found the queue full",
    "late": "it was answered after its caller gave up",
    "dependency": "something that it needs failed",
    "fault": "the program itself failed",
}


class Losses:
    """Counts since the start. A row a cause in the order of `CAUSES`, a column a service."""

    def __init__(self, services: Sequence[str]) -> None:
        self._services = tuple(services)
        self._row = {cause: number for number, cause in enumerate(CAUSES)}
        self.counts: Vector = np.zeros((len(CAUSES), len(services)), dtype=np.float64)

    def add(self, cause: str, requests: Vector) -> None:
        self.counts[self._row[cause]] += requests

    def add_one(self, cause: str, service: int, requests: float) -> None:
        self.counts[self._row[cause], service] += requests

    def by_service(self) -> dict[tuple[str, str], float]:
        """What was lost so far, by service and cause; only what was lost at all."""
        return {
            (service, cause): float(self.counts[row, number])
            for number, service in enumerate(self._services)
            for row, cause in enumerate(CAUSES)
            if self.counts[row, number] > 0
        }
