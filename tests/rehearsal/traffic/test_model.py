"""What becomes of requests: the graph, failures and their causes, what is told to autoscalers."""

from dataclasses import replace

import pytest
from tests.rehearsal.traffic.fleets import Town, at

from kiban.rehearsal.traffic import (
    CallModel,
    DependencyModel,
    ExternalMetric,
    Objective,
    Quirk,
    ServiceTraits,
)
from kiban.rehearsal.traffic.flow import Flow
from kiban.rehearsal.traffic.shapes import Constant, Surge

DB = {"db": DependencyModel("db", time=0.004)}


def chain(**more: object) -> tuple[ServiceTraits, ...]:
    """web asks shop twice, and stock for half of its requests; shop asks the database."""
    web = ServiceTraits(
        "web", peak=50.0, calls=(CallModel("shop", 2.0), CallModel("stock", 0.5, optional=True))
    )
    shop = ServiceTraits("shop", calls=(CallModel("db", 3.0),), **more)  # type: ignore[arg-type]
    return web, shop, ServiceTraits("stock")


def by_name(made: Town, flow: Flow, name: str) -> dict[str, float]:
    number = made.traffic.order.index(name)
    return {figure: float(vector[number]) for figure, vector in flow.vectors().items()}


def test_calls_multiply_down_the_graph() -> None:
    made = Town(*chain(), pods=4, dependencies=DB)
    flow = made.run(60)
    rates = [by_name(made, flow, name)["requests"] for name in ("web", "shop", "stock")]
    assert rates == pytest.approx([50, 100, 25])


def test_times_add_up_the_graph() -> None:
    made = Town(*chain(), pods=4, dependencies=DB)
    flow = made.run(60)
    web, shop, stock = (flow.mean[made.traffic.order.index(n)] for n in ("web", "shop", "stock"))
    assert shop == pytest.approx(0.02 + 3 * 0.004, rel=0.1)
    assert web == pytest.approx(0.02 + 2 * shop + 0.5 * stock, rel=0.1)


def test_walking_the_levels_gives_what_the_whole_graph_gives() -> None:
    at_once, walking = (Town(*chain(), pods=3, dependencies=DB, noise=0.1) for _ in range(2))
    walking.traffic._closure.is_usable = False
    for _ in range(40):
        one, other = at_once.run(15), walking.run(15)
        assert one.arrivals == pytest.approx(other.arrivals)
        assert one.mean == pytest.approx(other.mean, rel=1e-6)
        assert one.variance == pytest.approx(other.variance, rel=1e-6)
        assert one.cpu == pytest.approx(other.cpu)


def test_a_circle_of_optional_calls_is_walked() -> None:
    a = ServiceTraits("a", peak=10.0, calls=(CallModel("b", 1.0),))
    b = ServiceTraits("b", calls=(CallModel("a", 0.1, optional=True),))
    flow = Town(a, b, pods=2).run(300)
    assert flow.arrivals == pytest.approx([10 / 0.9, 10 / 0.9], rel=0.01)


def test_a_broken_dependency_fails_who_needs_it_and_not_who_has_a_default() -> None:
    needs = ServiceTraits("needs", peak=20.0, calls=(CallModel("db"),))
    copes = ServiceTraits("copes", peak=20.0, calls=(CallModel("db", optional=True),))
    made = Town(needs, copes, pods=2, dependencies=DB)
    made.run(60)
    made.traffic.disturbances.break_down("db")
    made.run(60)
    assert list(made.lost()) == [("needs", "dependency")]
    assert made.lost()["needs", "dependency"] == pytest.approx(1200, rel=0.01)
    made.traffic.disturbances.mend("db")
    made.run(30)
    assert made.run(60).failures().sum() == 0


def test_retries_save_what_fails_now_and_then_and_amplify() -> None:
    web = ServiceTraits("web", peak=40.0, calls=(CallModel("shop", retries=2),))
    made = Town(web, ServiceTraits("shop"), pods=4)
    made.traffic.disturbances.break_down("shop", 0.5)
    flow = made.run(300)
    rates = dict(zip(made.traffic.order, flow.arrivals, strict=True))
    assert rates["shop"] == pytest.approx(40 * 1.75, rel=0.01)
    assert flow.failed["dependency"][1] == pytest.approx(40 * 0.125, rel=0.01)


def test_a_storm_of_retries_keeps_an_overload_alive() -> None:
    def town(retries: int) -> Town:
        web = ServiceTraits("web", peak=100.0, workers=400, cpu=0.0001,
                            calls=(CallModel("shop", retries=retries),), timeout=30.0)  # fmt: skip
        shop = ServiceTraits("shop", time=0.05, cpu=0.0001, workers=8, timeout=1.0)
        made = Town(web, shop, pods={"web": 4, "shop": 1})
        made.traffic.load.surge(Surge(120.0, 2.5, rise=1.0, hold=60.0, fall=1.0))
        return made

    calm, storm = town(0), town(3)
    for made in (calm, storm):
        made.run(600)
    assert calm.run(60).arrivals[0] == pytest.approx(100, rel=0.01)
    assert storm.run(60).arrivals[0] > 160
    assert storm.run(60).failures()[1] > 10


def test_requests_to_stopped_pods_are_lost_until_they_are_no_longer_routed() -> None:
    made = Town(ServiceTraits("a", peak=100.0), pods=4)
    made.run(15)
    first = made.fleet.pods("a")[0]
    made.fleet.change(first.uid, at(15), is_serving=False, is_draining=True)
    made.fleet.change(first.uid, at(17), is_routed=False)
    made.run(15)
    assert made.lost() == {("a", "terminating"): pytest.approx(100 * 2 / 4)}


def test_a_silent_machine_takes_its_share_until_endpoints_drop_it() -> None:
    made = Town(ServiceTraits("a", peak=100.0, timeout=1.0), pods=4)
    made.run(15)
    first = made.fleet.pods("a")[0]
    made.fleet.change(first.uid, at(15), is_serving=False)
    made.run(45)
    assert made.lost()["a", "silent"] == pytest.approx(100 * 45 / 4)


def test_a_crashed_pod_refuses_its_share_until_endpoints_drop_it() -> None:
    made = Town(ServiceTraits("a", peak=100.0, timeout=1.0), pods=4)
    made.run(15)
    first = made.fleet.pods("a")[0]
    made.fleet.change(first.uid, at(15), is_serving=False, is_ready=False, is_starting=True)
    made.fleet.change(first.uid, at(16), is_routed=False)
    made.run(15)
    assert made.lost() == {("a", "unready"): pytest.approx(25)}


def test_without_any_pod_everything_is_refused() -> None:
    made = Town(ServiceTraits("a", peak=100.0), pods=0)
    made.run(30)
    assert made.lost() == {("a", "refused"): pytest.approx(3000)}


def test_what_is_being_answered_is_lost_with_a_killed_pod() -> None:
    made = Town(ServiceTraits("a", peak=100.0, time=0.2, cpu=0.001, workers=50), pods=4)
    made.run(60)
    assert made.traffic.cut("a", 1, "killed") == pytest.approx(5.0, rel=0.05)
    # With the time to finish, hardly any is left.
    assert made.traffic.cut("a", 1, "killed", after=2.0) < 0.01


def test_a_bad_version_fails_the_share_of_its_pods() -> None:
    made = Town(ServiceTraits("a", peak=100.0), pods=3)
    made.run(15)
    made.traffic.disturbances.quirk("a", Quirk(errors=0.5, sparing=frozenset({"old"})))
    assert made.run(15).failures()[0] == 0
    made.add("a", 1, revision="new")
    assert made.run(15).failures()[0] == pytest.approx(100 * 0.25 * 0.5)


def test_a_queue_between_two_keeps_their_failures_apart() -> None:
    shop = ServiceTraits("shop", peak=30.0, calls=(CallModel("mail", queued=True),))
    mail = ServiceTraits("mail", time=0.1, workers=1, timeout=1e6)
    made = Town(shop, mail, pods=2)
    flow = made.run(600)
    rates = dict(zip(made.traffic.order, flow.arrivals, strict=True))
    assert rates["mail"] == pytest.approx(30)
    assert flow.waiting[0] == pytest.approx(600 * 10, rel=0.05)
    assert made.lost() == {}
    assert flow.mean[1] < 0.05


def test_what_is_in_a_queue_waits_until_somebody_takes_it() -> None:
    shop = ServiceTraits("shop", peak=30.0, calls=(CallModel("mail", queued=True),))
    mail = ServiceTraits("mail", time=0.05, workers=4, timeout=1e6)
    made = Town(shop, mail, pods={"shop": 2, "mail": 0})
    assert made.run(100).waiting[0] == pytest.approx(3000)
    made.add("mail", 2)
    assert made.run(15).waiting[0] == pytest.approx(3000 - 15 * (160 - 30), rel=0.02)
    for one in made.fleet.pods("mail"):
        made.fleet.change(one.uid, at(made.now), is_serving=False)
    assert made.run(30).waiting[0] > 1800
    assert made.traffic.cut("mail", 2, "killed") == 0.0
    assert made.lost() == {}


def test_objectives_are_counted_by_request() -> None:
    objective = Objective(0.999, {"p99": 0.1})
    made = Town(
        ServiceTraits("a", peak=10.0, time=0.03, cpu=0.0001),
        pods=4,
        objectives={"a": objective},
    )
    made.run(3600)
    ledger = made.traffic.ledger
    assert ledger.requests[0] == pytest.approx(36000)
    assert ledger.failed_share("a") == 0.0
    assert ledger.slow_share("a", "p99") == pytest.approx(0.0357, abs=0.005)


def test_what_an_autoscaler_reads_is_the_mean_of_the_last_whole_window() -> None:
    made = Town(ServiceTraits("a", peak=100.0, cpu=0.005, idle_cpu=0.01), pods=4,
                curve=Constant())  # fmt: skip
    assert made.traffic.usage().cpu_ready[0] == 0
    made.run(15)
    assert made.traffic.usage().cpu_ready[0] == pytest.approx(10 + 125, abs=1)
    # A change within a window shows in its mean, in the middle of the next one not at all.
    made.traffic.load.surge(Surge(20.0, 2.0, rise=0.001, hold=1e6))
    made.run(7, step=1.0)
    assert made.traffic.usage().cpu_ready[0] == pytest.approx(10 + 125, abs=1)
    made.run(8, step=1.0)
    assert made.traffic.usage().cpu_ready[0] == pytest.approx(10 + 125 * (5 + 20) / 15, abs=2)


def test_a_metric_from_outside_is_as_late_as_it_is() -> None:
    metrics = {
        "quick": ExternalMetric("quick", "a", "requests", every=15.0),
        "slow": ExternalMetric("slow", "a", "requests", every=60.0, late=600.0),
        "gone": ExternalMetric("gone", "a", "requests", absent=True),
    }
    made = Town(ServiceTraits("a", peak=100.0), pods=4, metrics=metrics)
    made.run(300)
    made.traffic.load.surge(Surge(300.0, 3.0, rise=0.001, hold=1e6))
    made.run(300)

    def seen(name: str) -> list[int]:
        return list(made.traffic.external("ns", name, None, at(made.now)))

    made.run(20)
    assert seen("quick") == [300_000] and seen("slow") == [100_000] and seen("gone") == []
    made.run(400)
    assert seen("slow") == [300_000]
    assert seen("unheard") == []


def test_one_seed_gives_one_day_and_a_new_service_does_not_change_the_others() -> None:
    a, b = ServiceTraits("a", peak=50.0), ServiceTraits("b", peak=70.0)
    alone = Town(b, pods=2, noise=0.1, seed=3).run(600)
    again, more = (Town(a, b, pods=2, noise=0.1, seed=3).run(600) for _ in range(2))
    assert list(again.arrivals) == list(more.arrivals)
    assert again.arrivals[1] == alone.arrivals[0]
    assert Town(a, pods=2, noise=0.1, seed=4).run(600).arrivals[0] != again.arrivals[0]


def test_calls_at_the_same_time_take_as_long_as_the_longest() -> None:
    names = ("b", "c", "d", "e")
    quick = {"workers": 500, "cpu": 1e-6, "cores": 4.0}
    backends = [ServiceTraits(name, time=0.1, **quick) for name in names]  # type: ignore[arg-type]
    calls = tuple(CallModel(name) for name in names)
    apart = ServiceTraits("a", peak=20.0, time=0.001, calls=calls, **quick)  # type: ignore[arg-type]
    at_once = replace(apart, parallel=True)
    one, other = (Town(a, *backends, pods=2).run(60) for a in (apart, at_once))
    assert one.mean[0] == pytest.approx(0.4, rel=0.01)
    # The longest of four exponential times is 1 + 1/2 + 1/3 + 1/4 as long as one.
    assert other.mean[0] == pytest.approx(0.1 * 25 / 12, rel=0.05)
    assert other.vectors()["latency_p99"][0] == pytest.approx(0.6, rel=0.05)


def test_a_caller_that_gives_up_early_answers_a_default_in_time() -> None:
    web = ServiceTraits(
        "web", peak=20.0, time=0.01, parallel=True,
        calls=(CallModel("slow", optional=True, timeout=0.4), CallModel("db", timeout=0.4)),
    )  # fmt: skip
    slow = ServiceTraits("slow", time=0.05, workers=200, cpu=1e-6)
    made = Town(web, slow, pods=4, dependencies=DB)
    made.run(60)
    made.traffic.disturbances.slow_down("slow", 40.0)
    flow = made.run(60)
    rates = by_name(made, flow, "web")
    assert rates["latency_p50"] < 0.5
    assert "web" not in {service for service, _ in made.lost()}
    # Without a default, what is answered too late is lost.
    needs = replace(web, calls=(CallModel("slow", timeout=0.4),))
    made = Town(needs, slow, pods=4)
    made.traffic.disturbances.slow_down("slow", 40.0)
    flow = made.run(60)
    assert flow.failed["dependency"][1] == pytest.approx(20 * 0.82, rel=0.05)


def test_requests_a_second_are_offered_by_pod() -> None:
    made = Town(ServiceTraits("a", peak=90.0), ServiceTraits("b", peak=10.0), pods=3)
    labels = {"kiban.dev/service": "a"}
    pods = [{"metadata": {"name": f"a-{n}", "labels": labels}} for n in range(3)]
    pods.append({"metadata": {"name": "stranger", "labels": {}}})
    assert made.traffic.custom("http_requests_per_second", pods, at(0)) == {}
    made.run(30)
    found = made.traffic.custom("http_requests_per_second", pods, at(30))
    assert {name: sample.total for name, sample in found.items()} == {
        "a-0": 30_000, "a-1": 30_000, "a-2": 30_000,
    }  # fmt: skip
    assert made.traffic.custom("cpu", pods, at(30)) == {}


def test_new_instances_are_slow_until_they_are_warm() -> None:
    service = ServiceTraits("a", peak=60.0, cpu=0.005, idle_cpu=0.0, warm=60.0, warm_factor=3.0)
    made = Town(service, pods=3)
    assert made.run(15).cpu[0] == pytest.approx(0.1)
    made.add("a", 1, revision="new")
    young = made.fleet.pods("a")[-1]
    young.ready_at = at(made.now)
    # One of four takes three times as much.
    flow = made.run(15)
    assert flow.cpu[0] == pytest.approx(60 / 4 * 0.005 * 1.5)
    made.run(60)
    assert made.run(15).cpu[0] == pytest.approx(60 / 4 * 0.005)
