"""What becomes of the requests that come to a service, before anything it calls is asked.

Shares of what comes, by cause. Who refuses answers at once; who is gone, or has too long a queue,
lets the caller wait until it gives up.
"""

from dataclasses import dataclass

import numpy as np

from kiban.rehearsal.fleet import Span
from kiban.rehearsal.traffic.exact import Vector
from kiban.rehearsal.traffic.queues import Waiting

_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Fates:
    """`by_cause` holds the shares that fail (see `losses.CAUSES`), `begun` the share that an
    instance works at, `failing` the share that fails at all and `hanging` that of those whose
    caller waits in vain."""

    by_cause: dict[str, Vector]
    begun: Vector
    failing: Vector
    hanging: Vector


@dataclass(frozen=True, slots=True)
class Gone:
    """The shares of requests that found no instance, one on a silent machine, one that was told
    to stop, or one that has crashed or is not ready."""

    refused: Vector
    silent: Vector
    stopped: Vector
    unready: Vector

    @property
    def reached(self) -> Vector:
        """The share that reached an instance that serves."""
        lost = self.refused + self.silent + self.stopped + self.unready
        found: Vector = np.maximum(1.0 - lost, 0.0)
        return found


def gone(span: Span, pulled: Vector) -> Gone:
    """What a fleet lost in a span; who takes from a queue loses nothing by not being there."""
    asked = 1.0 - pulled
    unready = np.maximum(span.lost_share - span.silent_share - span.stopped_share, 0.0)
    return Gone(
        span.unrouted_share * asked,
        span.silent_share * asked,
        span.stopped_share * asked,
        np.where(unready > _TINY, unready, 0.0) * asked,
    )


def no_fates(services: int) -> Fates:
    """Everything is well."""
    none: Vector = np.zeros(services, dtype=np.float64)
    return Fates({}, none + 1.0, none, none)


def fates(arrivals: Vector, gone: Gone, waiting: Waiting, errors: Vector, late: Vector) -> Fates:
    """From the instances that were gone, the queues, the program's own errors, and the share that
    was answered too late last time."""
    present = np.maximum(arrivals, _TINY)
    none: Vector = np.zeros_like(arrivals)
    dropped, turned = waiting.dropped, waiting.turned_away
    given_up = none if dropped is None else np.minimum(dropped / present, 1.0)
    overload = given_up if turned is None else np.minimum(given_up + turned / present, 1.0)
    silent = gone.silent
    unreached = gone.refused + silent + gone.stopped + gone.unready + overload
    if not (unreached.any() or errors.any() or late.any()):
        return no_fates(len(arrivals))
    begun = np.maximum(1.0 - unreached, 0.0)
    fault = begun * errors
    tardy = (begun - fault) * late
    causes = {
        "refused": gone.refused,
        "terminating": gone.stopped,
        "unready": gone.unready,
        "silent": silent,
        "overload": overload,
        "fault": fault,
        "late": tardy,
    }
    failing = np.minimum(1.0 - begun + fault + tardy, 1.0)
    return Fates(causes, begun, failing, np.minimum(silent + given_up, 1.0))
