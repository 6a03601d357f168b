"""The cloud that platform.yaml describes, and what it assumes where the file is silent."""

import pytest
from pydantic import ValidationError

from kiban.rehearsal.cloud.catalogue import is_priced, price
from kiban.rehearsal.cloud.from_spec import assumed_of_cloud, cloud_settings
from kiban.spec.nouns import Cluster, Subnet


def cluster(**fields: object) -> Cluster:
    return Cluster.model_validate(fields)


def test_groups_take_the_zones_of_their_cluster() -> None:
    nodes = {"base": {"min": 2, "max": 4}, "gpu": {"zones": ["b"], "spot": True}}
    found = cloud_settings(cluster(zones=["a", "b"], nodes=nodes))
    assert [(group.name, group.zones, group.is_spot) for group in found.groups] == [
        ("base", ("a", "b"), False),
        ("gpu", ("b",), True),
    ]
    assert found.autoscaler == "cluster-autoscaler"


def test_without_subnets_each_zone_is_assumed_to_have_a_large_one() -> None:
    silent = cluster(zones=["b", "a"])
    subnets = cloud_settings(silent).subnets
    assert [(one.zone, one.cidr) for one in subnets] == [
        ("a", "10.0.0.0/20"),
        ("b", "10.0.16.0/20"),
    ]
    listed = [(one.subject, one.value) for one in assumed_of_cloud(silent)]
    assert listed[:2] == [("a", "10.0.0.0/20"), ("b", "10.0.16.0/20")]


def test_subnets_that_are_said_count() -> None:
    subnets = {"a": {"cidr": "10.0.0.0/24", "taken": 7}}
    said = cluster(subnets=subnets, addresses={"mode": "prefix"}, nodes={"base": {}})
    found = cloud_settings(said)
    assert found.addresses.mode == "prefix"
    assert [(subnet.zone, subnet.taken) for subnet in found.subnets] == [("a", 7)]
    assert assumed_of_cloud(said) == []


def test_under_karpenter_groups_have_no_machines_of_their_own() -> None:
    found = cloud_settings(cluster(autoscaler="karpenter", nodes={"base": {"min": 3}}))
    assert [group.min for group in found.groups] == [0]


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="write it like"):
        Subnet.model_validate({"cidr": "10.0.0.1/24"})


def test_prices_grow_with_size_and_spot_is_cheaper() -> None:
    assert price("m5.large", "us-east-1") == 0.096
    assert price("m5.4xlarge", "us-east-1") == pytest.approx(0.768)
    assert price("t3.medium", "us-east-1") == pytest.approx(0.0416)
    assert price("m5.large", "ap-northeast-1") == 0.124
    assert price("m5.large", "us-east-1", is_spot=True, spot_share=0.5) == 0.048
    assert not is_priced("x9.large", "us-east-1")
    assert price("x9.xlarge", "us-east-1") == price("m5.xlarge", "us-east-1")


def test_an_environment_without_a_cluster_is_rehearsed_on_an_assumed_one() -> None:
    listed = {(one.subject, one.parameter) for one in assumed_of_cloud(None)}
    assert {("", "zones"), ("base", "nodes"), ("ap-northeast-1a", "subnet")} <= listed
