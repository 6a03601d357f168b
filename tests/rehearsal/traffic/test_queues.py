"""Queues against requests simulated one by one, and backlogs against arithmetic."""

import pytest
from tests.rehearsal.traffic.events import Draw, exponential, hyperexponential, simulate
from tests.rehearsal.traffic.fleets import Town

from kiban.rehearsal.traffic import ServiceTraits
from kiban.rehearsal.traffic.erlang import mean_wait
from kiban.rehearsal.traffic.shapes import Step

# CPU plays no part where only waiting for workers is looked at.
FREE = {"cpu": 1e-6, "idle_cpu": 0.0}


def town(rate: float, *, workers: int = 4, pods: int = 3, **more: float) -> Town:
    service = ServiceTraits("a", peak=rate, time=0.1, workers=workers, timeout=60.0, **FREE, **more)
    return Town(service, pods=pods)


@pytest.mark.parametrize(
    ("busy", "draw", "variation"),
    [
        (0.5, exponential(0.1), 1.0),
        (0.7, exponential(0.1), 1.0),
        (0.85, exponential(0.1), 1.0),
        (0.7, hyperexponential(0.1), 3.0),
    ],
)
def test_waits_are_those_of_requests_one_by_one(busy: float, draw: Draw, variation: float) -> None:
    rate = busy * 3 * 4 / 0.1
    flow = town(rate, variation=variation).run(600)
    seen = simulate(rate, draw, pods=3, workers=4, requests=150_000)
    wait = flow.waiting[0] / rate
    # Allen and Cunneen's correction is itself no better than some percent.
    assert wait == pytest.approx(seen.wait, rel=0.1 if variation == 1.0 else 0.15, abs=0.001)
    assert flow.mean[0] == pytest.approx(0.1 + seen.wait, rel=0.05)
    assert flow.vectors()["latency_p99"][0] == pytest.approx(seen.quantile(0.99), rel=0.12)


def test_one_queue_for_all_pods_waits_less_than_one_each() -> None:
    apart = town(90.0).run(600)
    together = ServiceTraits(
        "a", peak=90.0, time=0.1, workers=4, timeout=60.0, balancing="least", **FREE
    )
    flow = Town(together, pods=3).run(600)
    seen = simulate(90.0, exponential(0.1), pods=1, workers=12, requests=100_000)
    assert flow.waiting[0] / 90.0 == pytest.approx(seen.wait, rel=0.12)
    assert flow.waiting[0] < apart.waiting[0] / 2


def test_a_backlog_grows_and_drains_as_arithmetic_says() -> None:
    # Three pods do 120 a second; 180 come for 100 s, then 60.
    service = ServiceTraits("a", peak=60.0, time=0.1, workers=4, timeout=600.0, **FREE)
    made = Town(service, pods=3, curve=Step(100.0, 3.0, 1.0))
    flow = made.run(100.0, step=5.0)
    assert flow.waiting[0] == pytest.approx(6000, rel=0.01)
    assert made.run(50.0, step=5.0).waiting[0] == pytest.approx(3000, rel=0.01)
    assert made.run(60.0, step=5.0).waiting[0] < 10
    assert made.lost() == {}


@pytest.mark.parametrize("step", [1.0, 5.0, 15.0])
def test_the_length_of_the_steps_does_not_matter_much(step: float) -> None:
    service = ServiceTraits("a", peak=110.0, time=0.1, workers=4, timeout=600.0, **FREE)
    made = Town(service, pods=3, curve=Step(300.0, 1.2, 0.9))
    settled = 99 * mean_wait(99 / 3 * 0.1, 4, 0.1)
    assert made.run(300.0, step=step).waiting[0] == pytest.approx(12 * 300, rel=0.1)
    assert made.run(300.0, step=step).waiting[0] == pytest.approx(settled, rel=0.05)


def test_who_waits_longer_than_the_timeout_is_lost() -> None:
    service = ServiceTraits("a", peak=180.0, time=0.1, workers=4, timeout=5.0, **FREE)
    made = Town(service, pods=3)
    flow = made.run(600.0)
    assert flow.waiting[0] == pytest.approx(120 * 5, rel=0.01)
    assert flow.failed["overload"][0] == pytest.approx(60, rel=0.02)
    # A queue as long as the patience of those in it answers many of the rest too late as well.
    assert flow.failed["late"][0] > 30


def test_a_full_queue_refuses_and_keeps_the_rest_quick() -> None:
    service = ServiceTraits("a", peak=180.0, time=0.1, workers=4, timeout=5.0, backlog=10, **FREE)
    flow = Town(service, pods=3).run(600.0)
    assert flow.waiting[0] == pytest.approx(30)
    assert flow.failed["overload"][0] == pytest.approx(60, rel=0.02)
    assert flow.failed["late"][0] < 1


def test_a_shared_processor_is_shared_fairly() -> None:
    # One core, 5 ms each, 120 a second: a processor-sharing queue at 0.6 answers in 5/(1-0.6) ms.
    service = ServiceTraits("a", peak=120.0, time=0.005, cpu=0.005, workers=200, idle_cpu=0.0)
    flow = Town(service).run(600.0)
    assert flow.mean[0] == pytest.approx(0.0125, rel=0.02)
    assert flow.cpu[0] == pytest.approx(0.6, rel=0.01)


def test_a_processor_at_its_limit_bounds_what_is_served() -> None:
    service = ServiceTraits("a", peak=400.0, time=0.02, cpu=0.005, cores=0.5, timeout=2.0)
    flow = Town(service).run(600.0)
    assert flow.served[0] == pytest.approx(100, rel=0.02)
    assert flow.cpu[0] == 0.5
