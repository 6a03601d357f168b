"""From recordings of real services to measured parameters of the model, with what they explain.

The values are for `assumptions.assume(..., measured=...)`: they count before guesses and after
what rehearsal.yaml declares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kiban.rehearsal.assumptions import Measured
from kiban.rehearsal.recordings import Recording
from kiban.rehearsal.traffic.fitting import Fit, fit, fit_calls
from kiban.rehearsal.traffic.parameters import Models

# A fit that leaves more than this unexplained is told, and not used.
WORST_ERROR = 0.3


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the model took for granted and what was measured, side by side."""

    service: str
    parameter: str
    assumed: float
    measured: float
    error: float
    samples: int
    is_used: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """All fits, and the values of those that are good enough to be used."""

    comparisons: tuple[Comparison, ...]
    measured: Mapping[str, Mapping[str, Measured]]


def calibrate(models: Models, recordings: Mapping[str, Recording], source: str) -> Calibration:
    """Fit every service that was recorded. `models` are those that are assumed without."""
    comparisons: list[Comparison] = []
    measured: dict[str, dict[str, Measured]] = {}
    for service in sorted(recordings):
        traits = models.services.get(service)
        if traits is None:
            continue
        fits = fit(recordings[service], _called(models, recordings, service))
        fits = [one for one in fits if one.parameter != "peak" or not _callers(models, service)]
        for one in [*fits, *_calls(models, recordings, service)]:
            is_used = one.error <= WORST_ERROR
            assumed = _assumed(models, service, one.parameter)
            comparisons.append(
                Comparison(
                    service, one.parameter, assumed, one.value, one.error, one.samples, is_used
                )
            )
            if is_used:
                found = Measured(one.value, f"{source} ({one.describe()})")
                measured.setdefault(service, {})[one.parameter] = found
    return Calibration(tuple(comparisons), measured)


def _callers(models: Models, service: str) -> dict[str, float]:
    """Who calls a service, and how often it is assumed to."""
    return {
        name: call.times
        for name, traits in sorted(models.services.items())
        for call in traits.calls
        if call.to == service
    }


def _calls(models: Models, recordings: Mapping[str, Recording], service: str) -> Sequence[Fit]:
    """How often a service calls each other one; only where all callers of that were recorded and
    nobody outside asks it."""
    found = []
    for call in models.services[service].calls:
        callers = _callers(models, call.to)
        child, target = recordings.get(call.to), models.services.get(call.to)
        if child is None or target is None or target.peak > 0:
            continue
        if all(name in recordings for name in callers):
            fits = fit_calls(child, {name: recordings[name] for name in callers})
            if service in fits:
                one = fits[service]
                found.append(Fit(f"calls {call.to}", one.value, one.error, one.samples))
    return found


def _called(
    models: Models, recordings: Mapping[str, Recording], service: str
) -> Sequence[float] | None:
    """What the calls of a service take of each of its responses, where all are known."""
    own = recordings[service]
    total = np.zeros(len(own.times), dtype=np.float64)
    for call in models.services[service].calls:
        if call.queued:
            continue
        other = recordings.get(call.to)
        dependency = models.dependencies.get(call.to)
        if dependency is not None:
            total += call.times * dependency.time
        elif other is not None and "latency" in other.figures:
            total += call.times * np.interp(own.times, other.times, other.figures["latency"])
        else:
            return None
    found: list[float] = total.tolist()
    return found


def _assumed(models: Models, service: str, parameter: str) -> float:
    traits = models.services[service]
    if parameter.startswith("calls "):
        target = parameter.removeprefix("calls ")
        return next((call.times for call in traits.calls if call.to == target), 0.0)
    return float(getattr(traits, parameter))
