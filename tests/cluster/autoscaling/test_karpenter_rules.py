"""Karpenter's rules one by one: preferences, budgets, prices, pools."""

import pytest

from kiban.cluster.autoscaling.karpenter import Offering, Settings, node_pool
from kiban.cluster.autoscaling.karpenter.budgets import allowed
from kiban.cluster.autoscaling.karpenter.candidates import Candidate, eviction_cost
from kiban.cluster.autoscaling.karpenter.consolidation import cheaper
from kiban.cluster.autoscaling.karpenter.objects import pool_of
from kiban.cluster.autoscaling.karpenter.preferences import forms, strict
from kiban.cluster.autoscaling.karpenter.solving import offers_for
from kiban.kube.objects import Manifest, get_in
from kiban.primitives.instants import Instant, parse_rfc3339

NOON = parse_rfc3339("2026-01-15T12:00:00Z")


def preferring(*, nodes: int = 0, spread: str = "") -> Manifest:
    spec: Manifest = {"containers": []}
    if nodes:
        spec["affinity"] = {
            "nodeAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 10 * (number + 1),
                        "preference": {
                            "matchExpressions": [
                                {"key": f"k{number}", "operator": "In", "values": ["v"]}
                            ]
                        },
                    }
                    for number in range(nodes)
                ]
            }
        }
    if spread:
        spec["topologySpreadConstraints"] = [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": spread}
        ]
    return {"metadata": {"name": "p"}, "spec": spec}


def required_keys(pod: Manifest) -> list[str]:
    path = ("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    terms = get_in(pod, "spec", "affinity", "nodeAffinity", *path, default=[])
    return [entry["key"] for term in terms for entry in term.get("matchExpressions", [])]


def test_the_heaviest_preference_is_required_first_and_given_up_first() -> None:
    assert [required_keys(form) for form in forms(preferring(nodes=2))] == [["k1"], ["k0"], []]


def test_soft_spread_is_hard_until_nothing_fits() -> None:
    counts = [
        len(form["spec"].get("topologySpreadConstraints") or [])
        for form in forms(preferring(spread="ScheduleAnyway"))
    ]
    assert counts == [1, 0]
    assert len(list(forms(preferring(spread="DoNotSchedule")))) == 1


def test_preferences_can_be_left_out_from_the_start() -> None:
    pod = preferring(nodes=2, spread="ScheduleAnyway")
    [form] = forms(pod, respects=False)
    assert required_keys(form) == [] and not form["spec"]["topologySpreadConstraints"]


def test_the_pod_itself_is_left_as_it_was() -> None:
    pod = preferring(nodes=1, spread="ScheduleAnyway")
    before = str(pod)
    strict(pod)
    list(forms(pod))
    assert str(pod) == before


@pytest.mark.parametrize(
    ("budgets", "nodes", "going", "expected"),
    [
        (None, 10, 0, 1),
        (None, 11, 0, 2),
        (None, 11, 2, 0),
        ([{"nodes": "3"}], 100, 1, 2),
        ([{"nodes": "0"}], 100, 0, 0),
        ([{"nodes": "50%"}, {"nodes": "2"}], 10, 0, 2),
        ([{"nodes": "0", "reasons": ["Drifted"]}], 10, 0, 2**31),
    ],
)
def test_the_strictest_budget_counts(
    budgets: list[dict[str, object]] | None, nodes: int, going: int, expected: int
) -> None:
    pool = pool_of(node_pool("p", disruption={"budgets": budgets} if budgets else {}))
    assert allowed(pool, "Underutilized", nodes, going, NOON) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2026-01-15T08:59:59Z", 5), ("2026-01-15T09:00:01Z", 0), ("2026-01-15T17:30:00Z", 5)],
)
def test_a_budget_may_hold_in_working_hours_only(now: str, expected: int) -> None:
    office = {"nodes": "0", "schedule": "0 9 * * *", "duration": "8h"}
    pool = pool_of(node_pool("p", disruption={"budgets": [office, {"nodes": "50%"}]}))
    assert allowed(pool, "Empty", 10, 0, parse_rfc3339(now)) == expected


def offer(instance: str, price: float, capacity_type: str = "on-demand") -> Offering:
    return Offering(instance, "a", capacity_type, price, {}, {}, {"cpu": "4"})


def candidate(instance: str, price: float, capacity_type: str = "on-demand") -> Candidate:
    pool = pool_of(node_pool("p"))
    claim = {"metadata": {"name": instance}}
    return Candidate(claim, instance, pool, price, instance, capacity_type, (), 0.0, False)


def names(offers: list[Offering]) -> list[str]:
    return [entry.instance for entry in offers]


def test_a_replacement_must_cost_less_than_what_it_replaces() -> None:
    offers = [offer("s", 0.1), offer("m", 0.2), offer("l", 0.4)]
    assert names(cheaper(offers, [candidate("m", 0.2)], Settings())) == ["s"]
    two = [candidate("m", 0.2), candidate("m", 0.2)]
    # One m would do for two of them: then one of the two could stay.
    assert names(cheaper(offers, two, Settings())) == ["s"]
    assert names(cheaper(offers, [candidate("x", 0.2), candidate("y", 0.19)], Settings())) == [
        "s",
        "m",
    ]


def test_spot_is_not_replaced_by_spot_unless_asked_for_and_with_many_to_choose_from() -> None:
    offers = [offer(f"s{number}", 0.01 * number, "spot") for number in range(1, 16)]
    old = [candidate("big", 1.0, "spot")]
    assert cheaper(offers, old, Settings()) == []
    assert len(cheaper(offers, old, Settings(allows_spot_to_spot=True))) == 15
    assert cheaper(offers[:14], old, Settings(allows_spot_to_spot=True)) == []


def test_deletion_cost_and_priority_make_a_pod_dear_to_evict() -> None:
    annotations = {"controller.kubernetes.io/pod-deletion-cost": str(2**27)}
    plain: Manifest = {"metadata": {}, "spec": {}}
    assert eviction_cost(plain) == 1.0
    assert eviction_cost({"metadata": {"annotations": annotations}, "spec": {}}) == 2.0
    assert eviction_cost({"metadata": {}, "spec": {"priority": 2_000_000_000}}) == 10.0


def test_a_pool_takes_the_offers_that_its_requirements_allow() -> None:
    requirements = [
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
        {"key": "node.kubernetes.io/instance-type", "operator": "NotIn", "values": ["t"]},
    ]
    offers = [offer("t", 0.1, "spot"), offer("m", 0.2, "spot"), offer("m", 0.3)]
    pool = pool_of(node_pool("p", requirements))
    assert [entry.price for entry in offers_for(pool, offers)] == [0.2]


def test_a_pool_that_changes_gets_another_hash() -> None:
    one = pool_of(node_pool("p"))
    assert one.hash == pool_of(node_pool("p", weight=5)).hash
    assert one.hash != pool_of(node_pool("p", labels={"team": "a"})).hash
    assert Instant(0) < NOON
