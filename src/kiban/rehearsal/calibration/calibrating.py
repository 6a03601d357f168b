"""From recordings of real services to measured parameters of the model, with what they explain
and what could not be told.

The values are for `assumptions.assume(..., measured=...)`: they count before guesses and after
what rehearsal.yaml declares, or before that too where the model itself is on trial.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import floor, log10

from kiban.rehearsal.assumptions import Assumptions, Measured
from kiban.rehearsal.calibration.calls import Outside, Recordings, fit_calls
from kiban.rehearsal.calibration.chains import Chain
from kiban.rehearsal.calibration.fits import Figures, Fit, Unfitted
from kiban.rehearsal.calibration.usage import Found, fit_usage
from kiban.rehearsal.traffic.parameters import CallModel, Models, ServiceTraits

# A fit that leaves more than this unexplained is told, and not used.
WORST_ERROR = 0.3
# Those of the tail are wild by nature, and twice too much of a tail still tells it from none.
WORST_TAIL_ERROR = 0.5
# Digits of a fitted value: no fit is better than that.
_DIGITS = 4
# Requests are counted, every one: shares that leave more than this unexplained are not the reason,
# but a worker that falls behind, or somebody who was not counted.
WORST_CALLS_ERROR = 0.1
# Nothing is done in no time, or by no memory.
_NEVER_NOTHING = ("time", "cpu", "memory", "start", "peak")
# What one fit gives is used together or not at all.
_WITH_TIME = ("variation", "workers")


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
    is_declared: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """What could not be fitted: the value that is taken for granted still, and why."""

    service: str
    parameter: str
    assumed: float
    why: str
    is_declared: bool = False


@dataclass(frozen=True, slots=True)
class Calibration:
    """All fits, the values of those that are good enough to be used, and what is missing."""

    comparisons: tuple[Comparison, ...]
    measured: Mapping[str, Mapping[str, Measured]]
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was recorded, where, and what came from outside as far as that is known. With
    `overrules` it counts before what is declared."""

    recordings: Recordings
    source: str
    outside: Outside
    overrules: bool = False


def calibrate(assumed: Assumptions, evidence: Evidence) -> Calibration:
    """Fit every service that was recorded. `assumed` is what holds without."""
    return _Calibrating(assumed, evidence).all()


class _Calibrating:
    def __init__(self, assumed: Assumptions, evidence: Evidence) -> None:
        self._models, self._evidence = assumed.models, evidence
        self._declared = frozenset(
            (one.subject, one.parameter)
            for one in assumed.listed
            if one.source.startswith("declared")
        )
        self._comparisons: list[Comparison] = []
        self._missing: list[Missing] = []
        self._measured: dict[str, dict[str, Measured]] = {}

    def all(self) -> Calibration:
        recordings, models = self._evidence.recordings, self._models
        figures = {
            name: Figures(recordings[name])
            for name in sorted(recordings)
            if name in models.services
        }
        for service in figures:
            if len(figures[service].column("requests")):
                for found in self._usage(service, figures[service]):
                    self._note(service, found)
        for service, found in fit_calls(models, recordings, self._evidence.outside):
            self._note(service, found)
        for service, fed in self._fed(figures):
            for found in self._usage(service, fed):
                if found.parameter != "peak":
                    self._note(service, found)
        known = self._with_found(models)
        computes = frozenset(name for name, one in self._measured.items() if "cpu" in one)
        for service, found in Chain(known, figures, computes, self._fixed()).fitted():
            self._note(service, found)
        self._comparisons.sort(key=lambda one: (one.service, one.parameter))
        self._missing.sort(key=lambda one: (one.service, one.parameter))
        return Calibration(tuple(self._comparisons), self._measured, tuple(self._missing))

    def _usage(self, service: str, figures: Figures) -> Iterator[Found]:
        """What others ask is no peak of one's own."""
        is_called = any(
            call.to == service for one in self._models.services.values() for call in one.calls
        )
        for found in fit_usage(figures):
            if found.parameter != "peak" or not is_called:
                yield found

    def _fed(self, figures: Mapping[str, Figures]) -> Iterator[tuple[str, Figures]]:
        """Workers of which nobody counted the messages, with those that they must have got."""
        for feeder, traits in sorted(self._models.services.items()):
            for call in traits.calls:
                takes = self._measured.get(call.to, {}).get(f"takes {feeder}")
                if takes is not None and call.to in figures and feeder in figures:
                    yield call.to, figures[call.to].following(figures[feeder], takes.value)

    def _fixed(self) -> frozenset[str]:
        """The dependencies of which somebody says how long they take."""
        if self._evidence.overrules:
            return frozenset()
        return frozenset(
            name for name in self._models.dependencies if self._is_declared(name, "time")
        )

    def _is_declared(self, service: str, parameter: str) -> bool:
        # `takes` is listed without whose messages they are.
        return (service, parameter) in self._declared or (
            parameter.startswith("takes ") and (service, "takes") in self._declared
        )

    def _note(self, service: str, found: Found) -> None:
        parameter, assumed = found.parameter, _assumed(self._models, service, found.parameter)
        declared = self._is_declared(service, parameter)
        if isinstance(found, Fit) and self._is_nothing(service, found):
            found = Unfitted(parameter, "it came out as nothing, which cannot be")
        if isinstance(found, Unfitted):
            self._missing.append(Missing(service, parameter, assumed, found.why, declared))
            return
        value, is_used = _rounded(found.value), self._is_used(service, found)
        self._comparisons.append(
            Comparison(
                service, parameter, assumed, value, found.error, found.samples, is_used, declared
            )
        )
        if is_used:
            source = f"{self._evidence.source} ({found.describe()})"
            measured = Measured(value, source, self._evidence.overrules)
            self._measured.setdefault(service, {})[parameter] = measured

    def _is_nothing(self, service: str, found: Fit) -> bool:
        """Whether a fit would be used that cannot be true."""
        is_none = found.parameter in _NEVER_NOTHING and found.value <= 0
        return is_none and self._is_used(service, found)

    def _is_used(self, service: str, found: Fit) -> bool:
        if found.parameter in _WITH_TIME and "time" not in self._measured.get(service, {}):
            return False
        if found.parameter.startswith(("calls ", "takes ")):
            return found.error <= WORST_CALLS_ERROR
        return found.error <= (WORST_TAIL_ERROR if found.parameter == "variation" else WORST_ERROR)

    def _with_found(self, models: Models) -> Models:
        """The models with the calls and the CPU that were found, for the fit of times."""
        services = {name: self._found_of(one) for name, one in models.services.items()}
        return replace(models, services=services)

    def _found_of(self, traits: ServiceTraits) -> ServiceTraits:
        found = {
            parameter: one.value
            for parameter, one in self._measured.get(traits.name, {}).items()
            if self._evidence.overrules or not self._is_declared(traits.name, parameter)
        }
        calls = tuple(_found_call(call, found) for call in traits.calls)
        return replace(traits, cpu=found.get("cpu", traits.cpu), calls=calls)


def _found_call(call: CallModel, found: Mapping[str, float]) -> CallModel:
    return call if call.queued else replace(call, times=found.get(f"calls {call.to}", call.times))


def _assumed(models: Models, service: str, parameter: str) -> float:
    if service not in models.services:
        return models.dependencies[service].time
    verb, _, other = parameter.partition(" ")
    if verb == "takes":
        calls = models.services[other].calls
        return next((call.times for call in calls if call.to == service and call.queued), 0.0)
    if verb == "calls":
        calls = models.services[service].calls
        return next((call.times for call in calls if call.to == other and not call.queued), 0.0)
    return float(getattr(models.services[service], parameter))


def _rounded(value: float) -> float:
    """Few digits, so that the last bits of a solver make no difference between machines."""
    return round(value, _DIGITS - 1 - floor(log10(abs(value)))) if value else 0.0
