"""Parameters found again in records that were made with known ones."""

from random import Random

import numpy as np
import pytest
from tests.rehearsal.traffic.events import exponential, simulate
from tests.rehearsal.traffic.fleets import Town

from kiban.rehearsal.calibration import calibrate
from kiban.rehearsal.recordings import Recording
from kiban.rehearsal.traffic import CallModel, DependencyModel, ServiceTraits
from kiban.rehearsal.traffic.fitting import fit, fit_calls
from kiban.rehearsal.traffic.shapes import Daily


def recorded(town: Town, hours: int = 24) -> dict[str, Recording]:
    """A day of a town as somebody would have measured it, every quarter of an hour."""
    rows: dict[str, dict[str, list[float]]] = {name: {} for name in town.traffic.order}
    times = []
    for _ in range(hours * 4):
        flow = town.run(900, step=60.0)
        times.append(town.now)
        for number, name in enumerate(town.traffic.order):
            pods = float(flow.serving[number])
            row = {
                "requests": flow.arrivals[number], "pods": pods, "latency": flow.mean[number],
                "cpu": flow.cpu[number] * pods, "memory": flow.memory[number] * pods,
            }  # fmt: skip
            for figure, value in row.items():
                rows[name].setdefault(figure, []).append(float(value))
    return {name: Recording(times, rows[name]) for name in rows}


def test_a_day_of_the_model_gives_its_own_parameters_back() -> None:
    service = ServiceTraits(
        "a", peak=220.0, time=0.05, cpu=0.0007, idle_cpu=0.02, workers=4, memory=6e7,
        memory_each=2e6,
    )  # fmt: skip
    town = Town(service, pods=3, curve=Daily(), noise=0.02)
    found = {one.parameter: one for one in fit(recorded(town)["a"])}
    assert found["cpu"].value == pytest.approx(0.0007, rel=0.01)
    assert found["idle_cpu"].value == pytest.approx(0.02, rel=0.02)
    assert found["time"].value == pytest.approx(0.05, rel=0.02)
    assert found["workers"].value == 4
    assert found["memory"].value == pytest.approx(6e7, rel=0.02)
    assert found["peak"].value == pytest.approx(220, rel=0.1)
    assert found["time"].error < 0.05 and found["time"].samples == 96


def test_requests_one_by_one_give_their_service_time_and_workers() -> None:
    rates = [20.0 + 12 * n for n in range(12)]
    means = []
    for rate in rates:
        seen = simulate(rate, exponential(0.08), pods=2, workers=8, requests=20_000)
        means.append(sum(seen.responses) / len(seen.responses))
    record = Recording(
        [float(n) for n in range(12)],
        {"requests": rates, "pods": [2.0] * 12, "latency": means},
    )
    found = {one.parameter: one.value for one in fit(record)}
    assert found["time"] == pytest.approx(0.08, rel=0.03)
    assert found["workers"] in (6.0, 8.0, 12.0)


def test_calls_are_told_apart_by_how_their_callers_vary() -> None:
    dice = Random(5)
    a = [100 + 50 * dice.random() for _ in range(60)]
    b = [80 + 40 * dice.random() for _ in range(60)]
    child = [2 * x + 0.25 * y + dice.random() for x, y in zip(a, b, strict=True)]
    times = [float(n) for n in range(60)]
    parents = {"a": Recording(times, {"requests": a}), "b": Recording(times, {"requests": b})}
    found = fit_calls(Recording(times, {"requests": child}), parents)
    assert found["a"].value == pytest.approx(2.0, abs=0.05)
    assert found["b"].value == pytest.approx(0.25, abs=0.05)
    assert found["a"].error < 0.01


def test_nothing_is_said_of_what_does_not_vary_or_is_too_short() -> None:
    flat = {"requests": [50.0] * 40, "pods": [2.0] * 40, "cpu": [0.4] * 40}
    assert [one.parameter for one in fit(Recording(list(range(40)), flat))] == ["peak"]
    short = {"requests": [1.0, 2.0], "pods": [1.0, 1.0], "cpu": [0.1, 0.2]}
    assert fit(Recording([0.0, 1.0], short)) == []
    assert fit_calls(Recording([0.0], {"requests": [1.0]}), {}) == {}


def test_holes_in_a_record_are_left_out() -> None:
    rates = [float(n) for n in range(30)]
    cpu = [0.1 + 0.01 * rate for rate in rates]
    rates[3] = cpu[7] = float("nan")
    record = Recording(rates, {"requests": rates, "pods": [1.0] * 30, "cpu": cpu})
    found = {one.parameter: one for one in fit(record)}
    assert found["cpu"].value == pytest.approx(0.01)
    assert found["cpu"].samples == 28


def test_a_platform_is_calibrated_service_by_service_and_compared() -> None:
    web = ServiceTraits("web", peak=60.0, time=0.03, workers=32, calls=(CallModel("api", 1.5),))
    api = ServiceTraits("api", time=0.02, calls=(CallModel("db", 2.0),))
    town = Town(web, api, pods=4, curve=Daily(), noise=0.05,
                dependencies={"db": DependencyModel("db", time=0.004)})  # fmt: skip
    record = recorded(town)
    found = calibrate(town.traffic.models, record, "day.csv")
    values = {s: {p: m.value for p, m in found.measured[s].items()} for s in found.measured}
    assert values["web"]["time"] == pytest.approx(0.03, rel=0.05)
    assert values["api"]["time"] == pytest.approx(0.02, rel=0.05)
    assert values["web"]["calls api"] == pytest.approx(1.5, rel=0.01)
    # What others ask is no peak of one's own.
    assert "peak" in values["web"] and "peak" not in values["api"]
    assert "day.csv (96 samples" in found.measured["web"]["time"].source
    side = next(c for c in found.comparisons if (c.service, c.parameter) == ("api", "time"))
    assert side.assumed == 0.02 and side.is_used


def test_what_explains_too_little_is_told_and_not_used() -> None:
    town = Town(ServiceTraits("a", peak=10.0))
    dice = np.random.default_rng(1)
    noise = dice.exponential(1.0, 50).tolist()
    rates = dice.uniform(1.0, 9.0, 50).tolist()
    record = Recording(
        [float(n) for n in range(50)], {"requests": rates, "pods": [1.0] * 50, "cpu": noise}
    )
    found = calibrate(town.traffic.models, {"a": record}, "noise.csv")
    cpu = next(one for one in found.comparisons if one.parameter == "cpu")
    assert not cpu.is_used and cpu.error > 0.3
    assert "cpu" not in found.measured["a"]
