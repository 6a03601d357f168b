"""What a rehearsal takes for granted of each service, and where each value comes from.

A value that rehearsal.yaml declares counts before a measured one, and that before a guess. All
are listed, so that a report can show what its answers rest on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kiban.primitives.located import Located
from kiban.primitives.problems import KibanError, Problem
from kiban.primitives.quantities import parse_quantity
from kiban.rehearsal.guesses import (
    DEPENDENCY_TIMES,
    ORDER,
    Known,
    comfortable,
    dependency_of,
    guess,
    peaks,
)
from kiban.rehearsal.machines import ServiceModel
from kiban.rehearsal.objectives import objectives_of
from kiban.rehearsal.results import Assumption
from kiban.rehearsal.traffic import (
    CallModel,
    DependencyModel,
    ExternalMetric,
    Models,
    Objective,
    ServiceTraits,
)
from kiban.rehearsal.wording import WRITTEN, CallWords, as_written
from kiban.rehearsal.written import Written
from kiban.spec import Platform, ServiceSpec

_SPANS = frozenset(("time", "cpu", "timeout", "start", "warm", "run"))
_BYTES = frozenset(("memory", "memory_each", "image"))
_CORES = frozenset(("idle_cpu", "cores", "start_cpu"))
_DEFAULT_NOISE = 0.05
_AT_ONCE_SECONDS, _GRACEFUL_SECONDS = 0.05, 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """A value that was found in measurements, and which these were. One that overrules counts
    before what is declared: where the model is on trial, not the platform."""

    value: float
    source: str
    overrules: bool = False


Measurements = Mapping[str, Mapping[str, Measured]]


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Everything that a world needs besides the compiled manifests: `models` and `objectives` for
    its traffic, `machines` for its settings. `scenarios` are those of rehearsal.yaml, unread."""

    models: Models
    machines: Mapping[str, ServiceModel]
    objectives: Mapping[str, Objective]
    listed: tuple[Assumption, ...]
    scenarios: Mapping[str, Located] = field(default_factory=dict)


def assume(
    platform: Platform,
    environment: str,
    files: Mapping[str, str],
    measured: Measurements | None = None,
) -> Assumptions:
    """What holds for one environment. Raises `KibanError` with every mistake in rehearsal.yaml."""
    problems: list[Problem] = []
    platform.environment(environment)
    written = Written.read(files, platform, environment, problems)
    if problems:
        raise KibanError(sorted(problems, key=lambda one: (one.place, one.what)))
    return _Assuming(platform, environment, written, measured or {}).all()


class _Assuming:
    """The values of one environment on their way, and the list of them."""

    def __init__(
        self, platform: Platform, environment: str, written: Written, measured: Measurements
    ) -> None:
        self._specs = dict(sorted(platform.services[environment].items()))
        self._resources = platform.spec.resources
        self._written = written
        self._measured = measured
        self._listed: list[Assumption] = []

    def all(self) -> Assumptions:
        specs = {name: spec for name, spec in self._specs.items() if spec.kind != "job"}
        services = {name: self._traits(spec) for name, spec in specs.items()}
        dependencies = self._dependencies(specs)
        services = self._with_peaks(services)
        machines = {name: self._machine(spec, services) for name, spec in self._specs.items()}
        models = Models(services, dependencies, self._metrics(), self._noise())
        objectives, usual = objectives_of(self._specs, services)
        self._listed += usual
        listed = tuple(self._listed)
        return Assumptions(models, machines, objectives, listed, self._written.scenarios())

    # One service

    def _traits(self, spec: ServiceSpec) -> ServiceTraits:
        values: dict[str, Any] = {}
        for name in ORDER:
            values[name] = self._value(spec, name, values)
        values["shape"] = "" if values["shape"] == "curve" else "constant"
        for name in ("workers", "backlog", "client_retries"):
            values[name] = round(float(values[name]))
        values["parallel"] = bool(values["parallel"])
        calls = (*self._calls(spec), *self._taken(spec.service))
        return ServiceTraits(spec.service, calls=calls, **values)

    def _value(self, spec: ServiceSpec, name: str, known: Mapping[str, Any]) -> float | int | str:
        """The value of a parameter by the best source there is, which is noted."""
        service = spec.service
        declared = getattr(self._written.service(service), WRITTEN.get(name, name))
        measured = self._found(service, name)
        value: float | int | str
        if declared is not None and not (measured is not None and measured.overrules):
            source = f"declared: {self._written.line('services', service, as_written(name))}"
            value = _number(declared) if name in _BYTES | _CORES else declared
        elif measured is not None:
            value, source = measured.value, f"measured: {measured.source}"
        else:
            guessed = guess(name, spec, Known(known))
            value, source = guessed.value, f"assumed: {guessed.why}"
        self._list(service, name, value, source)
        return value

    def _found(self, subject: str, name: str) -> Measured | None:
        """What was measured of a service or dependency."""
        return self._measured.get(subject, {}).get(name)

    def _calls(self, spec: ServiceSpec) -> Iterator[CallModel]:
        """What a service calls, by its `uses`."""
        service, words = spec.service, self._written.service(spec.service).calls
        for key, use in sorted(spec.uses.items()):
            said = words.get(key) or CallWords()
            is_service = use.type == "service"
            to = (use.name or key) if is_service else dependency_of(service, key, use)
            if is_service and to not in self._specs:
                continue
            optional = use.optional if said.optional is None else said.optional
            line = self._written.line("services", service, "calls", key) if key in words else ""
            times, source = self._times(said, self._found(service, f"calls {to}"), line)
            kind = "default when down" if optional else "fails when down"
            retries = said.retries or 0
            again = f", {retries} retries" if retries else ""
            again += f", given up after {said.timeout:g} s" if said.timeout is not None else ""
            self._list(service, f"calls {to}", f"{times:g}x, {kind}{again}", source)
            yield CallModel(to, times, retries, optional, timeout=said.timeout)

    def _times(self, said: CallWords, measured: Measured | None, line: str) -> tuple[float, str]:
        """How often a call is made, and who says so; `line` is where it is described."""
        if measured is not None and (measured.overrules or said.times is None):
            return measured.value, f"measured: {measured.source}"
        if said.times is not None:
            return said.times, f"declared: {line}"
        rest = f"; the rest declared: {line}" if line else ""
        return 1.0, f"assumed: once for each request{rest}"

    def _taken(self, service: str) -> Iterator[CallModel]:
        """The messages that others take from a queue for what comes to this service."""
        for taker in self._specs:
            times = self._written.service(taker).takes.get(service)
            if times is not None:
                line = self._written.line("services", taker, "takes", service)
                measured, source = self._found(taker, f"takes {service}"), f"declared: {line}"
                if measured is not None and measured.overrules:
                    times, source = measured.value, f"measured: {measured.source}"
                self._list(taker, "takes", f"{times:g} for each request of {service}", source)
                yield CallModel(taker, times, queued=True)

    def _machine(self, spec: ServiceSpec, services: Mapping[str, ServiceTraits]) -> ServiceModel:
        """What the modelled machines must know of a service or job."""
        traits = services.get(spec.service)
        if traits is None:
            known: dict[str, Any] = {"cores": 1.0}
            image = float(self._value(spec, "image", known))
            run = float(self._value(spec, "run", known))
            start = float(self._value(spec, "start", known))
            return ServiceModel(start=start, image_bytes=round(image), run=run)
        stop = _GRACEFUL_SECONDS if traits.stop == "graceful" else _AT_ONCE_SECONDS
        return ServiceModel(start=traits.start, stop=stop, image_bytes=round(traits.image))

    # All together

    def _with_peaks(self, services: Mapping[str, ServiceTraits]) -> dict[str, ServiceTraits]:
        """The services with the rates that come to them from outside."""
        declared = {name: self._written.service(name).peak for name in services}
        called = {call.to for traits in services.values() for call in traits.calls}
        entries = [
            name
            for name in services
            if declared[name] is None
            and self._found(name, "peak") is None
            and (self._specs[name].routes or name not in called)
            and self._specs[name].kind == "web"
        ]
        limits = {name: comfortable(self._specs[name], one) for name, one in services.items()}
        guessed = peaks({name: asked_below(services, name) for name in entries}, limits)
        return {
            name: replace(one, peak=self._peak(name, declared[name], guessed))
            for name, one in services.items()
        }

    def _peak(self, name: str, declared: float | None, guessed: Mapping[str, float]) -> float:
        measured = self._found(name, "peak")
        if declared is not None:
            value, source = declared, f"declared: {self._written.line('services', name, 'peak')}"
        elif measured is not None:
            value, source = measured.value, f"measured: {measured.source}"
        elif name in guessed:
            why = "as much as brings the busiest service on the way to 70 % of its largest size"
            value, source = guessed[name], f"assumed: {why}"
        else:
            value, source = 0.0, "assumed: only other services ask it"
        self._listed.append(Assumption(name, "peak", f"{value:.4g}/s", source))
        return value

    def _dependencies(self, specs: Mapping[str, ServiceSpec]) -> dict[str, DependencyModel]:
        """What the services use that is not a service, by name."""
        kinds: dict[str, str] = {}
        for service, spec in specs.items():
            for key, use in spec.uses.items():
                if use.type == "resource":
                    name = use.name or key
                    kinds[name] = self._resources[name].type
                elif use.type != "service":
                    kinds[dependency_of(service, key, use)] = use.type
        return {name: self._dependency(name, kinds[name]) for name in sorted(kinds)}

    def _dependency(self, name: str, kind: str) -> DependencyModel:
        said, measured = self._written.words.dependencies.get(name), self._found(name, "time")
        is_declared = said is not None and said.time is not None
        if measured is not None and (measured.overrules or not is_declared):
            time, source = measured.value, f"measured: {measured.source}"
        elif said is not None and said.time is not None:
            line = self._written.line("dependencies", name, "time")
            time, source = said.time, f"declared: {line}"
        else:
            time, source = DEPENDENCY_TIMES[kind], f"assumed: usual for {kind}"
        self._list(name, "time", time, source)
        variation = said.variation if said is not None and said.variation is not None else 1.0
        return DependencyModel(name, kind, time, variation)

    def _metrics(self) -> dict[str, ExternalMetric]:
        found = {}
        for name, said in sorted(self._written.words.metrics.items()):
            late = "never comes" if said.absent else f"{said.late:g} s late"
            line = self._written.line("metrics", name)
            value = f"{said.figure} of {said.service} every {said.every:g} s, {late}"
            self._listed.append(Assumption(name, "metric", value, f"declared: {line}"))
            found[name] = ExternalMetric(
                name, said.service, said.figure, said.every, said.late, said.absent, said.factor
            )
        return found

    def _noise(self) -> float:
        said = self._written.words.noise
        source = "assumed: arrivals wander a little around their curve"
        if said is not None:
            source = f"declared: {self._written.line('noise')}"
        value = _DEFAULT_NOISE if said is None else said
        self._listed.append(Assumption("", "noise", f"{value:.0%}", source))
        return value

    def _list(self, subject: str, name: str, value: float | int | str, source: str) -> None:
        self._listed.append(Assumption(subject, name, _shown(name, value), source))


def asked_below(services: Mapping[str, ServiceTraits], entry: str) -> dict[str, float]:
    """How often a request at an entry asks each service, the entry itself included. A circle is
    followed once."""
    found: dict[str, float] = {}

    def follow(name: str, times: float, path: tuple[str, ...]) -> None:
        found[name] = found.get(name, 0.0) + times
        for call in services[name].calls:
            if call.to in services and call.to not in path:
                follow(call.to, times * call.times, (*path, call.to))

    follow(entry, 1.0, (entry,))
    return found


def _number(declared: object) -> float:
    return float(parse_quantity(str(declared)))


def _shown(name: str, value: float | int | str) -> str:
    if isinstance(value, str):
        return value
    if name in _SPANS:
        return f"{value:g} s" if value >= 1 else f"{value * 1000:.4g} ms"
    if name in _BYTES:
        return f"{value / 2**20:.4g} MiB"
    if name in _CORES:
        return f"{value * 1000:.4g}m"
    return f"{value:g}"
