"""Node groups become nodes that look like EC2's."""

from kiban.cluster.nodes import INSTANCE_TYPES, NodeGroup, node_manifests, region_of


def test_pods_per_node_follow_the_network_interfaces() -> None:
    # awslabs/amazon-eks-ami, max-pods-calculator.sh
    expected = {
        "m5.large": 29,
        "t3.medium": 17,
        "t3.small": 11,
        "c5.xlarge": 58,
        "m6g.4xlarge": 110,
    }
    assert {name: INSTANCE_TYPES[name].max_pods for name in expected} == expected


def test_a_group_spreads_over_its_zones_and_ends_in_spot() -> None:
    group = NodeGroup("web", "m5.large", ("eu-west-1a", "eu-west-1b"), count=4, spot=0.5)
    nodes = node_manifests([group])
    labels = [node["metadata"]["labels"] for node in nodes]
    assert [one["topology.kubernetes.io/zone"][-1] for one in labels] == ["a", "b", "a", "b"]
    assert [one["karpenter.sh/capacity-type"] for one in labels] == [
        "on-demand",
        "on-demand",
        "spot",
        "spot",
    ]
    assert {one["topology.kubernetes.io/region"] for one in labels} == {"eu-west-1"}
    assert [node["metadata"]["name"] for node in nodes] == ["web-1", "web-2", "web-3", "web-4"]


def test_what_can_be_allocated_is_less_than_what_is_there() -> None:
    (node,) = node_manifests([NodeGroup("web", "m5.large")])
    assert node["status"]["capacity"] == {
        "cpu": "2",
        "memory": "8388608Ki",
        "ephemeral-storage": "20Gi",
        "pods": "29",
    }
    assert node["status"]["allocatable"] == {
        "cpu": "1930m",
        "memory": "7698432Ki",
        "ephemeral-storage": "18Gi",
        "pods": "29",
    }


def test_arm_machines_say_so() -> None:
    assert INSTANCE_TYPES["m7g.large"].architecture == "arm64"
    assert INSTANCE_TYPES["t4g.small"].architecture == "arm64"
    assert INSTANCE_TYPES["m7i.large"].architecture == "amd64"


def test_a_zone_of_any_name_has_a_region() -> None:
    zones = ("ap-northeast-1a", "europe-west1-b", "eastus-1", "tokyo-a", "a", "rack9", "feed")
    assert [region_of(zone) for zone in zones] == [
        "ap-northeast-1",
        "europe-west1",
        "eastus",
        "tokyo",
        "a",
        "rack9",
        "feed",
    ]
