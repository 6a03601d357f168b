"""How often services call each other, from how the callee's requests follow the callers'.

What comes to a service is what comes from outside plus, from each caller, a share of what comes
to that. A worker of which nobody counts the messages is known by what it is fed with.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kiban.rehearsal.calibration.fits import (
    LEAST_SAMPLES,
    Fit,
    Unfitted,
    are_alike,
    non_negative,
    unexplained,
)
from kiban.rehearsal.calibration.usage import FEW, Found
from kiban.rehearsal.recordings import Recording
from kiban.rehearsal.traffic.exact import Vector
from kiban.rehearsal.traffic.parameters import CallModel, Models

Recordings = Mapping[str, Recording]
# What came from outside to a service at the times of its recording.
Outside = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class _Part:
    """One of those who ask a service: whose requests it follows, and which parameter of which
    service says how often; `unit` is what the parameter would be for one request each."""

    service: str
    parameter: str
    follows: str
    unit: float = 1.0


def fit_calls(
    models: Models, recordings: Recordings, outside: Outside
) -> Iterator[tuple[str, Found]]:
    """For each call that was assumed the share that was found, or why none was: the service that
    the parameter is of, and the fit."""
    for name in sorted(models.services):
        edges = list(_callers(models, name))
        parts = [_part(models, recordings, caller, call) for caller, call in edges]
        if not parts:
            continue
        why = _obstacle(models, recordings, outside, name)
        known = [part for part in parts if isinstance(part, _Part)]
        if why or len(known) < len(parts):
            why = why or next(part for part in parts if isinstance(part, str))
            for caller, call in edges:
                yield caller, Unfitted(f"calls {call.to}", why)
        else:
            yield from _shares(recordings, outside, name, known)
    for name, traits in sorted(models.services.items()):
        for call in traits.calls:
            if call.to in models.dependencies:
                why = "nobody counts what is asked of it"
                yield name, Unfitted(f"calls {call.to}", why)


def _callers(models: Models, name: str) -> Iterator[tuple[str, CallModel]]:
    """Who asks a service and waits; what it is given through queues is another matter."""
    for caller, traits in sorted(models.services.items()):
        for call in traits.calls:
            if call.to == name and not call.queued:
                yield caller, call


def _part(models: Models, recordings: Recordings, caller: str, call: CallModel) -> "_Part | str":
    """Whose requests tell of a caller's, or why nobody's do."""
    if _is_counted(recordings, caller):
        return _Part(caller, f"calls {call.to}", caller)
    feeds = [
        (name, fed.times)
        for name, traits in sorted(models.services.items())
        for fed in traits.calls
        if fed.to == caller and fed.queued
    ]
    if len(feeds) == 1 and call.times > 0 and _is_counted(recordings, feeds[0][0]):
        [(feeder, _)] = feeds
        return _Part(caller, f"takes {feeder}", feeder, 1.0 / call.times)
    return f"nobody counted what comes to {caller}, which calls it too"


def _obstacle(models: Models, recordings: Recordings, outside: Outside, name: str) -> str:
    if not _is_counted(recordings, name):
        return f"nobody counted what comes to {name}"
    if models.services[name].peak > 0 and name not in outside:
        return f"how much comes to {name} from outside is not known"
    return ""


def _is_counted(recordings: Recordings, name: str) -> bool:
    return name in recordings and bool(
        np.isfinite(recordings[name].figures.get("requests", ())).any()
    )


def _shares(
    recordings: Recordings, outside: Outside, name: str, parts: Sequence[_Part]
) -> Iterator[tuple[str, Found]]:
    child = recordings[name]
    wanted = np.array(child.figures["requests"], dtype=np.float64)
    inside = wanted - np.array(outside.get(name, np.zeros_like(wanted)), dtype=np.float64)
    columns = [_rates(recordings[part.follows], child.times) for part in parts]
    table = np.array([wanted, inside, *columns])
    table = table[:, np.isfinite(table).all(axis=0)]
    why = FEW if table.shape[1] < LEAST_SAMPLES else ""
    if not why and are_alike(list(table[2:])):
        why = "its callers vary alike, so nobody can tell who asked"
    if why:
        for part in parts:
            yield part.service, Unfitted(part.parameter, why)
        return
    wanted, inside, rates = table[0], table[1], table[2:].T
    shares = non_negative(rates, inside)
    # Against all that comes to it: what comes from outside is known for certain.
    error = unexplained(wanted, wanted - inside + rates @ shares)
    for part, share in zip(parts, shares.tolist(), strict=True):
        yield part.service, Fit(part.parameter, share * part.unit, error, table.shape[1])


def _rates(recording: Recording, times: Sequence[float]) -> Vector:
    """A service's requests at the times of another's recording."""
    values = np.array(recording.figures["requests"], dtype=np.float64)
    known = np.isfinite(values)
    found: Vector = np.interp(times, np.array(recording.times)[known], values[known])
    return found
