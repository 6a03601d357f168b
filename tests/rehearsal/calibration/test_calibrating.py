"""Parameters found again in records that were made with known ones."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from tests.rehearsal.traffic.events import exponential, hyperexponential, simulate
from tests.rehearsal.traffic.fleets import Town

from kiban.rehearsal.assumptions import Assumptions
from kiban.rehearsal.calibration import Calibration, Evidence, calibrate
from kiban.rehearsal.recordings import Recording
from kiban.rehearsal.results import Assumption
from kiban.rehearsal.traffic import CallModel, DependencyModel, Models, ServiceTraits
from kiban.rehearsal.traffic.shapes import Daily
from kiban.rehearsal.traffic.tails import quantiles


def recorded(town: Town, hours: int = 24) -> dict[str, Recording]:
    """A day of a town as somebody would have measured it, every quarter of an hour."""
    rows: dict[str, dict[str, list[float]]] = {name: {} for name in town.traffic.order}
    times = []
    for _ in range(hours * 4):
        flow = town.run(900, step=60.0)
        times.append(town.now)
        p50, p99 = quantiles(flow.mean, flow.variance, ("p50", "p99"))
        for number, name in enumerate(town.traffic.order):
            pods = float(flow.serving[number])
            row = {
                "requests": flow.arrivals[number], "pods": pods, "latency": flow.mean[number],
                "cpu": flow.cpu[number] * pods, "memory": flow.memory[number] * pods,
                "p50": p50[number], "p99": p99[number],
            }  # fmt: skip
            for figure, value in row.items():
                rows[name].setdefault(figure, []).append(float(value))
    return {name: Recording(times, rows[name]) for name in rows}


def calibrated(
    services: Sequence[ServiceTraits],
    recordings: dict[str, Recording],
    *,
    dependencies: Sequence[DependencyModel] = (),
    outside: dict[str, Sequence[float]] | None = None,
    listed: Sequence[Assumption] = (),
    overrules: bool = False,
) -> Calibration:
    """With what is assumed of these services, which need not be what the record was made with."""
    models = Models({one.name: one for one in services}, {one.name: one for one in dependencies})
    evidence = Evidence(recordings, "day.csv", outside or {}, overrules)
    return calibrate(Assumptions(models, {}, {}, tuple(listed)), evidence)


def values(found: Calibration, service: str) -> dict[str, float]:
    """What is used of a service's fits."""
    return {name: one.value for name, one in found.measured.get(service, {}).items()}


def missing(found: Calibration) -> dict[tuple[str, str], str]:
    return {(one.service, one.parameter): one.why for one in found.missing}


def test_a_day_of_the_model_gives_its_own_parameters_back() -> None:
    service = ServiceTraits(
        "a", peak=220.0, time=0.05, variation=2.5, cpu=0.0007, idle_cpu=0.02, workers=4,
        memory=6e7, memory_each=2e6,
    )  # fmt: skip
    town = Town(service, pods=3, curve=Daily(), noise=0.02)
    found = calibrated([ServiceTraits("a", peak=1.0)], recorded(town))
    assert values(found, "a") == {
        "cpu": pytest.approx(0.0007, rel=0.01),
        "idle_cpu": pytest.approx(0.02, rel=0.02),
        "time": pytest.approx(0.05, rel=0.02),
        "variation": pytest.approx(2.5, rel=0.1),
        "workers": 4,
        "memory": pytest.approx(6e7, rel=0.02),
        "memory_each": pytest.approx(2e6, rel=0.1),
        "peak": pytest.approx(220, rel=0.1),
    }
    [time] = [one for one in found.comparisons if one.parameter == "time"]
    assert time.error < 0.05 and time.samples == 96
    assert "day.csv (96 samples" in found.measured["a"]["time"].source


def test_requests_one_by_one_give_their_service_time_and_workers() -> None:
    rates = [20.0 + 12 * n for n in range(12)]
    seen = [simulate(rate, exponential(0.08), pods=2, workers=8, requests=20_000) for rate in rates]
    means = [sum(one.responses) / len(one.responses) for one in seen]
    record = {"requests": rates, "pods": [2.0] * 12, "latency": means}
    by_mean = values(calibrated([ServiceTraits("a")], {"a": Recording(range(12), record)}), "a")
    assert by_mean["time"] == pytest.approx(0.08, rel=0.03)
    assert by_mean["workers"] in (6.0, 8.0, 12.0)
    record |= {f"p{n}": [one.quantile(n / 100) for one in seen] for n in (50, 99)}
    by_middle = values(calibrated([ServiceTraits("a")], {"a": Recording(range(12), record)}), "a")
    assert by_middle["time"] == pytest.approx(0.08, rel=0.06)
    assert by_middle["variation"] == pytest.approx(1.0, rel=0.15)


def test_an_unloaded_service_tells_its_time_and_spread_but_not_its_workers() -> None:
    rates = [2.0 + n for n in range(12)]
    seen = [
        simulate(rate, hyperexponential(0.004), pods=1, workers=16, requests=20_000)
        for rate in rates
    ]
    record = {"requests": rates, "pods": [1.0] * 12}
    record |= {f"p{n}": [one.quantile(n / 100) for one in seen] for n in (50, 99)}
    found = calibrated([ServiceTraits("a")], {"a": Recording(range(12), record)})
    # Median and tail are those of the model's own curve; mean and variance need not be.
    time, variation = (np.array([values(found, "a")[name]]) for name in ("time", "variation"))
    p50, p99 = quantiles(time, time * time * variation, ("p50", "p99"))
    assert p50[0] == pytest.approx(np.median(record["p50"]), rel=0.02)
    assert p99[0] == pytest.approx(np.median(record["p99"]), rel=0.1)
    assert "never so busy" in missing(found)["a", "workers"]


def test_bursts_of_noise_do_not_move_the_median() -> None:
    town = Town(ServiceTraits("a", peak=50.0, time=0.003, cpu=0.001), curve=Daily())
    record = recorded(town)
    noisy = record["a"].figures
    for number in range(0, 96, 4):
        for figure, factor in (("latency", 20.0), ("p50", 3.0), ("p99", 30.0)):
            noisy[figure][number] *= factor  # type: ignore[index]
    found = calibrated([ServiceTraits("a", peak=1.0)], record)
    assert values(found, "a")["time"] == pytest.approx(0.003, rel=0.03)
    assert values(found, "a")["variation"] == pytest.approx(1.0, rel=0.05)


def test_a_platform_is_calibrated_service_by_service_callees_first() -> None:
    web = ServiceTraits("web", peak=60.0, time=0.03, workers=32, calls=(CallModel("api", 1.5),))
    api = ServiceTraits("api", time=0.02, variation=0.5, calls=(CallModel("db", 2.0),))
    db = DependencyModel("db", time=0.004)
    town = Town(web, api, pods=4, curve=Daily(), noise=0.05, dependencies={"db": db})
    assumed = [
        ServiceTraits("web", peak=1.0, calls=(CallModel("api"),)),
        ServiceTraits("api", time=0.5, calls=(CallModel("db", 2.0),)),
    ]
    found = calibrated(assumed, recorded(town), dependencies=[db])
    web_is, api_is = values(found, "web"), values(found, "api")
    assert web_is["time"] == pytest.approx(0.03, rel=0.05)
    assert api_is["time"] == pytest.approx(0.02, rel=0.05)
    assert api_is["variation"] == pytest.approx(0.5, rel=0.2)
    assert web_is["calls api"] == pytest.approx(1.5, rel=0.01)
    # What others ask is no peak of one's own.
    assert "peak" in web_is and "peak" not in api_is
    assert "told apart" in missing(found)["db", "time"]
    assert "nobody counts" in missing(found)["api", "calls db"]


def test_who_asks_all_at_once_waits_for_the_longest_only() -> None:
    calls = (CallModel("one"), CallModel("two"))
    web = ServiceTraits("web", peak=40.0, time=0.006, workers=64, parallel=True, calls=calls)
    town = Town(
        web, ServiceTraits("one", time=0.012), ServiceTraits("two", time=0.009),
        pods=4, curve=Daily(),
    )  # fmt: skip
    assumed = [
        ServiceTraits("web", peak=1.0, parallel=True, calls=calls),
        ServiceTraits("one"), ServiceTraits("two"),
    ]  # fmt: skip
    found = calibrated(assumed, recorded(town))
    assert values(found, "web")["time"] == pytest.approx(0.006, rel=0.05)


def test_a_database_takes_no_longer_than_its_users_leave_it() -> None:
    real = ServiceTraits("a", peak=50.0, time=0.002, cpu=0.001, calls=(CallModel("db"),))
    town = Town(real, curve=Daily(), dependencies={"db": DependencyModel("db", time=0.0005)})
    record, usual = recorded(town), DependencyModel("db", time=0.004)
    assumed = ServiceTraits("a", peak=1.0, calls=(CallModel("db"),))
    found = calibrated([assumed], record, dependencies=[usual])
    # All but the CPU time may be the database's, and the whole is right.
    assert values(found, "db")["time"] == pytest.approx(0.0015, rel=0.05)
    assert values(found, "a")["time"] == pytest.approx(0.001, rel=0.05)
    said = Assumption("db", "time", "4 ms", "declared: rehearsal.yaml:3")
    declared = calibrated([assumed], record, dependencies=[usual], listed=[said])
    assert "db" not in declared.measured and "time" not in values(declared, "a")


def test_what_waits_for_somebody_unknown_has_no_time_of_its_own() -> None:
    town = Town(
        ServiceTraits("web", peak=60.0, calls=(CallModel("api"),)), ServiceTraits("api"),
        curve=Daily(),
    )  # fmt: skip
    record = recorded(town)
    found = calibrated(list(town.traffic.models.services.values()), {"web": record["web"]})
    assert "time" not in values(found, "web") and "variation" not in values(found, "web")
    why = "it waits for api, of which nothing was recorded of it"
    assert missing(found)["web", "time"] == why
    assert missing(found)["web", "calls api"] == "nobody counted what comes to api"


def rates(count: int = 60) -> tuple[list[float], list[float], Random]:
    dice = Random(5)
    a = [100 + 50 * dice.random() for _ in range(count)]
    return a, [80 + 40 * dice.random() for _ in range(count)], dice


def requests(**columns: Sequence[float]) -> dict[str, Recording]:
    return {
        name: Recording(range(len(column)), {"requests": list(column)})
        for name, column in columns.items()
    }


CALLERS = [
    ServiceTraits("a", calls=(CallModel("c"),)),
    ServiceTraits("b", calls=(CallModel("c"),)),
    ServiceTraits("c"),
]


def test_calls_are_told_apart_by_how_their_callers_vary() -> None:
    a, b, dice = rates()
    child = [2 * x + 0.25 * y + dice.random() for x, y in zip(a, b, strict=True)]
    found = calibrated(CALLERS, requests(a=a, b=b, c=child))
    assert values(found, "a")["calls c"] == pytest.approx(2.0, abs=0.05)
    assert values(found, "b")["calls c"] == pytest.approx(0.25, abs=0.05)
    assert max(one.error for one in found.comparisons) < 0.01


def test_callers_that_vary_alike_cannot_be_told_apart() -> None:
    a, _, _ = rates()
    child = [3.0 * x for x in a]
    found = calibrated(CALLERS, requests(a=a, b=[2 * x for x in a], c=child))
    assert "vary alike" in missing(found)["a", "calls c"]


def test_what_comes_from_outside_is_not_held_against_the_callers() -> None:
    a, b, _ = rates()
    services = [ServiceTraits("a", peak=9.0, calls=(CallModel("c"),)), ServiceTraits("c", peak=9.0)]
    record = requests(a=a, c=[0.5 * x + y for x, y in zip(a, b, strict=True)])
    assert values(calibrated(services, record, outside={"c": b}), "a")["calls c"] == 0.5
    unknown = missing(calibrated(services, record))
    assert unknown["a", "calls c"] == "how much comes to c from outside is not known"


def test_who_is_never_called_takes_nobody_time() -> None:
    town = Town(ServiceTraits("a", peak=50.0, time=0.003), curve=Daily())
    record = recorded(town) | requests(c=[0.0] * 96)
    record["c"] = Recording(record["a"].times, record["c"].figures)
    assumed = [ServiceTraits("a", peak=1.0, calls=(CallModel("c"),)), ServiceTraits("c")]
    found = calibrated(assumed, record)
    assert values(found, "a")["calls c"] == 0.0
    assert values(found, "a")["time"] == pytest.approx(0.003, rel=0.03)


def test_a_worker_is_known_by_what_it_is_fed_with() -> None:
    a, b, _ = rates()
    services = [
        ServiceTraits("a", peak=1.0, calls=(CallModel("worker", 0.5, queued=True),)),
        ServiceTraits("b", peak=1.0, calls=(CallModel("c"),)),
        ServiceTraits("c"),
        ServiceTraits("worker", calls=(CallModel("c"),)),
    ]
    said = Assumption("worker", "takes", "0.5 for each request of a", "declared: rehearsal.yaml:9")
    record = requests(a=a, b=b, c=[0.25 * x + y for x, y in zip(a, b, strict=True)])
    found = calibrated(services, record, listed=[said], overrules=True)
    assert values(found, "worker") == {"takes a": pytest.approx(0.25)}
    assert found.measured["worker"]["takes a"].overrules
    [takes] = [one for one in found.comparisons if one.parameter == "takes a"]
    assert takes.is_declared and takes.assumed == 0.5


def test_nothing_is_said_of_what_does_not_vary_or_is_too_short() -> None:
    flat = {"requests": [50.0] * 40, "pods": [2.0] * 40, "cpu": [0.4] * 40}
    found = calibrated([ServiceTraits("a")], {"a": Recording(range(40), flat)})
    assert list(values(found, "a")) == ["peak"]
    assert missing(found)["a", "cpu"] == "the load hardly varied"
    assert missing(found)["a", "time"] == "no response times were recorded"
    short = {"requests": [1.0, 2.0], "pods": [1.0, 1.0], "cpu": [0.1, 0.2], "p50": [0.1, 0.1]}
    found = calibrated([ServiceTraits("a")], {"a": Recording((0.0, 1.0), short)})
    assert found.comparisons == ()
    assert missing(found)["a", "time"] == missing(found)["a", "cpu"]


def test_requests_cannot_cost_nothing() -> None:
    column = [float(n) for n in range(30)]
    cpu = [0.5 - 0.01 * rate for rate in column]
    record = Recording(range(30), {"requests": column, "pods": [1.0] * 30, "cpu": cpu})
    found = calibrated([ServiceTraits("a")], {"a": record})
    assert "cpu" not in values(found, "a")
    assert missing(found)["a", "cpu"] == "it came out as nothing, which cannot be"


def test_holes_in_a_record_are_left_out() -> None:
    column = [float(n) for n in range(30)]
    cpu = [0.1 + 0.01 * rate for rate in column]
    column[3] = cpu[7] = float("nan")
    record = Recording(range(30), {"requests": column, "pods": [1.0] * 30, "cpu": cpu})
    found = calibrated([ServiceTraits("a")], {"a": record})
    assert values(found, "a")["cpu"] == pytest.approx(0.01)
    [cpu_fit] = [one for one in found.comparisons if one.parameter == "cpu"]
    assert cpu_fit.samples == 28


def test_what_explains_too_little_is_told_and_not_used() -> None:
    dice = np.random.default_rng(1)
    record = Recording(
        range(50),
        {
            "requests": dice.uniform(1.0, 9.0, 50).tolist(),
            "pods": [1.0] * 50,
            "cpu": dice.exponential(1.0, 50).tolist(),
        },
    )
    found = calibrated([ServiceTraits("a")], {"a": record})
    cpu = next(one for one in found.comparisons if one.parameter == "cpu")
    assert not cpu.is_used and cpu.error > 0.3
    assert "cpu" not in values(found, "a")
