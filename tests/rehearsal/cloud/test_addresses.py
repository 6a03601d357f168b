"""Addresses of pods: how many a node keeps warm, when a subnet is empty, and who waits then."""

import pytest
from tests.rehearsal.cloud.scene import ZONES, deployment, pods, ready, world

from kiban.kube.objects import Manifest
from kiban.primitives.chance import Chance
from kiban.primitives.instants import Instant, later
from kiban.rehearsal.cloud import AddressSettings, CloudSettings, GroupSettings, SubnetSettings
from kiban.rehearsal.cloud.addresses import Addresses
from kiban.rehearsal.cloud.catalogue import instance_type
from kiban.rehearsal.cloud.estate import max_pods
from kiban.rehearsal.cloud.settings import AddressMode
from kiban.rehearsal.cloud.subnets import Subnet
from kiban.rehearsal.machines import ServiceModel

NOW = Instant(0)
LARGE = instance_type("m5.large")


def pod(number: int) -> Manifest:
    return {"metadata": {"uid": str(number), "name": str(number)}, "spec": {}}


def pool(cidr: str = "10.0.0.0/20", **more: object) -> Addresses:
    fields = {"mode": "secondary", **more}
    settings = AddressSettings(**fields)  # type: ignore[arg-type]
    addresses = Addresses(settings, {"a": Subnet("a", cidr, Chance(1))})
    assert addresses.add_node("one", "a", LARGE)
    return addresses


def used(addresses: Addresses) -> int:
    return addresses.subnets["a"].in_use


def test_aws_keeps_five_addresses_of_a_subnet() -> None:
    assert Subnet("a", "10.0.0.0/24", Chance(1)).free == 251


def test_a_node_keeps_a_whole_interface_warm() -> None:
    addresses = pool()
    assert used(addresses) == 10
    addresses.assign("one", pod(1), NOW)
    # An m5.large has ten addresses on each of three interfaces.
    assert used(addresses) == 20
    for number in range(2, 10):
        addresses.assign("one", pod(number), NOW)
    assert used(addresses) == 20
    addresses.assign("one", pod(10), NOW)
    assert used(addresses) == 30


def test_a_node_has_as_many_addresses_as_its_pods_may_be() -> None:
    addresses = pool()
    given = [addresses.assign("one", pod(number), NOW) for number in range(30)]
    # Three interfaces of nine; max pods is 29 with the two that use the node's own address.
    assert sum(given) == 27
    assert LARGE.max_pods == 29


@pytest.mark.parametrize(("count", "held"), [(1, 5), (3, 5), (10, 12)])
def test_targets_keep_fewer_addresses_warm(count: int, held: int) -> None:
    addresses = pool(warm_ip_target=2, minimum_ip_target=5)
    for number in range(count):
        assert addresses.assign("one", pod(number), NOW)
    interfaces = -(-held // 9)
    assert used(addresses) == held + interfaces


def test_an_address_rests_for_half_a_minute() -> None:
    addresses = pool("10.0.0.0/28", warm_ip_target=0, minimum_ip_target=0)
    # Sixteen addresses: five are kept, one is the node's, so ten are left, nine to an interface.
    given = [addresses.assign("one", pod(number), NOW) for number in range(12)]
    assert sum(given) == 9
    addresses.release("one", pod(0), NOW)
    assert not addresses.assign("one", pod(20), later(NOW, 29))
    assert addresses.assign("one", pod(20), later(NOW, 30))


def test_a_node_that_goes_gives_everything_back() -> None:
    addresses = pool()
    for number in range(20):
        addresses.assign("one", pod(number), NOW)
    addresses.remove_node("one")
    assert used(addresses) == 0


def test_pods_of_the_host_network_need_no_address() -> None:
    addresses = pool()
    before = used(addresses)
    host: Manifest = {"metadata": {"uid": "h", "name": "h"}, "spec": {"hostNetwork": True}}
    assert addresses.assign("one", host, NOW)
    assert used(addresses) == before


@pytest.mark.parametrize(
    ("cidr", "mode", "pods_that_fit"),
    [
        # 251 addresses; a node takes three for itself and 27 for pods.
        ("10.0.0.0/24", "secondary", 8 * 27 + 9),
        # 14 whole blocks, the first and last having AWS's addresses, less those that the nodes'
        # own addresses break.
        ("10.0.0.0/24", "prefix", None),
    ],
)
def test_a_small_subnet_runs_out(cidr: str, mode: AddressMode, pods_that_fit: int | None) -> None:
    addresses = Addresses(AddressSettings(mode=mode), {"a": Subnet("a", cidr, Chance(1))})
    count = 0
    for node in range(12):
        if not addresses.add_node(f"n{node}", "a", LARGE):
            continue
        for number in range(27):
            count += addresses.assign(f"n{node}", pod(100 * node + number), NOW)
    if pods_that_fit is not None:
        assert count == pods_that_fit
    else:
        assert count % 16 in range(16) and 100 <= count <= 14 * 16


def test_a_subnet_with_room_may_have_no_whole_block() -> None:
    subnet = Subnet("a", "10.0.0.0/24", Chance(7))
    subnet.take(80)
    assert subnet.free > 160
    assert subnet.whole_blocks() == 0
    assert subnet.take_prefix() is None
    assert subnet.take(1) is not None


def test_prefixes_give_a_node_as_many_pods_as_it_may_run() -> None:
    prefix = AddressSettings(mode="prefix")
    assert max_pods("m5.large", prefix) == 110
    assert max_pods("m5.16xlarge", prefix) == 250
    assert max_pods("m5.large", AddressSettings(mode="secondary")) == 29
    addresses = pool(mode="prefix")
    assert all(addresses.assign("one", pod(number), NOW) for number in range(108))


def test_pods_wait_while_their_subnet_is_empty_and_start_when_it_is_not() -> None:
    settings = CloudSettings(
        groups=(GroupSettings("base", "m5.4xlarge", ZONES[:1], min=1, max=1),),
        subnets=(SubnetSettings("small", ZONES[0], "10.0.0.0/27", taken=10),),
        addresses=AddressSettings(mode="secondary"),
        autoscaler="none",
    )
    scene, cloud = world(settings, deployment("web", 20, cpu="100m"))
    # 32 addresses: AWS's five, ten of others, the control plane's two, the node's own one.
    assert ready(scene) == 14
    assert cloud.addresses.free() == {"small": 0}
    waiting = [pod for pod in pods(scene) if pod["status"]["phase"] == "Pending"]
    assert len(waiting) == 6 and all(pod["spec"]["nodeName"] for pod in waiting)
    events = [r["message"] for r in scene.observations.of("event")
              if r["reason"] == "FailedCreatePodSandBox"]  # fmt: skip
    assert "failed to assign an IP address to container" in events[0]
    key = scene.api.key("Deployment", "web")
    scene.after(60, lambda now: scene.api.scale(key, 14, now))
    scene.run_for(200)
    assert ready(scene) == 14 and len(pods(scene)) == 14


def test_a_pod_that_is_over_has_no_address_any_more() -> None:
    settings = CloudSettings(
        groups=(GroupSettings("base", "m5.large", ZONES[:1], min=1, max=1),),
        subnets=(SubnetSettings("one", ZONES[0], "10.0.0.0/24"),),
        addresses=AddressSettings(mode="secondary", warm_ip_target=1),
        autoscaler="none",
    )
    work = deployment("jobs", 1)["spec"]["template"]
    work["spec"] |= {"restartPolicy": "Never", "containers": [{"name": "a", "image": "job:1"}]}
    job: Manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "work", "namespace": "shop"},
        "spec": {"template": work, "completions": 4, "parallelism": 4},
    }
    scene, cloud = world(settings, deployment("web", 1))
    before = cloud.addresses.free()["one"]
    scene.conduct.by_image["job:1"] = ServiceModel(run=5.0)
    scene.after(10, lambda now: scene.api.create(job, now))
    scene.after(110, lambda now: scene.api.delete(scene.api.key("Job", "work"), now))
    scene.run_for(100)
    assert len(pods(scene, "work")) == 4
    # All but those that rest for half a minute.
    scene.run_for(300)
    scene.api.create(deployment("last", 1, cpu="100m"), scene.now)
    scene.run_for(400)
    assert cloud.addresses.free()["one"] == before - 1


def test_no_machine_is_launched_where_there_is_no_address_for_it() -> None:
    settings = CloudSettings(
        groups=(GroupSettings("base", "m5.large", ZONES[:2], min=2, max=9),),
        subnets=(
            SubnetSettings("full", ZONES[0], "10.0.0.0/27", taken=17),
            SubnetSettings("large", ZONES[1], "10.0.1.0/24"),
        ),
        addresses=AddressSettings(mode="secondary"),
        autoscaler="none",
    )
    scene, cloud = world(settings)
    scene.after(10, lambda now: cloud.set_desired("base", 5, now))
    scene.run_for(300)
    zones = [machine.zone for machine in cloud.estate.machines.values()]
    assert zones.count(ZONES[0]) == 1 and zones.count(ZONES[1]) == 4
