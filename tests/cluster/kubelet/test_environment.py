"""What a container finds in its environment, its arguments and its files."""

from base64 import b64encode
from typing import Any

from tests.cluster.kubelet.world import World, container, plain

from kiban.cluster.asks import Mount, StartContainer, WriteFiles
from kiban.cluster.kubelet.environment import expanded
from kiban.kube.objects import Key, Manifest
from kiban.reconcile.commands import Create, Patch


def started(world: World, spec: Manifest, **fields: Any) -> StartContainer:
    world.create(spec, **fields)
    world.run(1)
    ask: StartContainer = world.asks(StartContainer)[0][1]
    return ask


def with_service(world: World, name: str, port: int) -> str:
    """Create a service; its address."""
    ports = [{"name": "http", "port": port}]
    world.do(Create(plain("v1", "Service", name, spec={"ports": ports})))
    found = world.cluster.store.get(Key("", "Service", "default", name))
    assert found is not None
    address: str = found["spec"]["clusterIP"]
    return address


def test_references_see_what_stands_before_them() -> None:
    env = {"A": "1", "B": "$(A)2"}
    assert expanded("$(A)-$(B)-$(C)-$$(A)-$", env) == "1-$(A)2-$(C)-$(A)-$"


def test_every_source_of_variables_is_read() -> None:
    world = World()
    world.do(
        Create(plain("v1", "ConfigMap", "settings", data={"MODE": "fast", "LEVEL": "1"})),
        Create(plain("v1", "Secret", "keys", data={"API": b64encode(b"k").decode()})),
    )
    spec = container(
        resources={"limits": {"memory": "512Mi", "cpu": "250m"}},
        ports=[{"containerPort": 9000}],
        envFrom=[{"configMapRef": {"name": "settings"}, "prefix": "S_"}],
        env=[
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "API"}}},
            {"name": "BOTH", "value": "$(S_MODE)/$(KEY)"},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {
                "name": "MEMORY",
                "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}},
            },
            {"name": "CPUS", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            {
                "name": "NOT",
                "valueFrom": {"configMapKeyRef": {"name": "x", "key": "y", "optional": True}},
            },
        ],
        args=["--mode=$(S_MODE)"],
    )
    ask = started(world, spec)
    expected = {
        "S_MODE": "fast",
        "S_LEVEL": "1",
        "KEY": "k",
        "BOTH": "fast/k",
        "NODE": "web-1",
        "IP": "127.19.0.1",
        "MEMORY": "512",
        "CPUS": "1",
        "PORT": "9000",
        "HOST": "127.19.0.1",
        "HOSTNAME": "p",
    }
    assert {name: ask.env[name] for name in expected} == expected
    assert "NOT" not in ask.env
    assert ask.args == ("--mode=fast",)


def test_names_of_services_lead_to_their_addresses() -> None:
    world = World()
    address = with_service(world, "points", 8080)
    spec = container(
        env=[{"name": "POINTS", "value": "http://points.default.svc.cluster.local:8080/v1"}],
        args=["--points", "points.default.svc:8080"],
    )
    ask = started(world, spec)
    assert ask.env["POINTS"] == f"http://{address}:8080/v1"
    assert ask.args == ("--points", f"{address}:8080")
    assert ask.env["POINTS_SERVICE_HOST"] == address
    assert ask.env["POINTS_SERVICE_PORT_HTTP"] == "8080"


def test_without_root_names_lead_to_the_port_that_is_listened_on() -> None:
    world = World(lowest_port=1024)
    address = with_service(world, "points", 80)
    world.do(Create(plain("v1", "ConfigMap", "c", data={"url": "http://points.default.svc/v1"})))
    spec = container(
        env=[{"name": "POINTS", "value": "http://points.default.svc/v1"}],
        args=["points.default.svc:80", "points.default.svc:8080"],
        volumeMounts=[{"name": "conf", "mountPath": "/etc/c"}],
    )
    ask = started(world, spec, volumes=[{"name": "conf", "configMap": {"name": "c"}}])
    assert ask.env["POINTS"] == f"http://{address}:20080/v1"
    assert ask.args == (f"{address}:20080", f"{address}:8080")
    assert ask.mounts["/etc/c"].files == {"url": f"http://{address}:20080/v1".encode()}
    assert ask.env["POINTS_SERVICE_PORT"] == ask.env["POINTS_SERVICE_PORT_HTTP"] == "20080"


def test_service_links_can_be_turned_off() -> None:
    world = World()
    with_service(world, "points", 8080)
    assert "POINTS_SERVICE_HOST" not in started(world, container(), enableServiceLinks=False).env


def test_volumes_become_mounts() -> None:
    world = World()
    world.do(
        Create(plain("v1", "ConfigMap", "c", data={"a": "1", "b": "2"})),
        Create(plain("v1", "Secret", "s", data={"k": b64encode(b"v").decode()})),
    )
    volumes = [
        {"name": "tmp", "emptyDir": {}},
        {"name": "conf", "configMap": {"name": "c", "items": [{"key": "b", "path": "x/b"}]}},
        {
            "name": "all",
            "projected": {
                "sources": [
                    {"secret": {"name": "s"}},
                    {"configMap": {"name": "none", "optional": True}},
                    {
                        "downwardAPI": {
                            "items": [
                                {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
                            ]
                        }
                    },
                ]
            },
        },
    ]
    mounts = [
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "conf", "mountPath": "/etc/c", "readOnly": True},
        {"name": "all", "mountPath": "/all", "subPath": "k"},
    ]
    ask = started(world, container(volumeMounts=mounts), volumes=volumes)
    assert ask.mounts == {
        "/tmp": Mount("empty", "tmp"),
        "/etc/c": Mount("files", "conf", {"x/b": b"2"}, read_only=True),
        "/all": Mount("files", "all", {"k": b"v", "name": b"p"}, sub_path="k"),
    }


def test_a_mounted_config_map_is_written_again_when_it_changes() -> None:
    world = World()
    world.do(Create(plain("v1", "ConfigMap", "c", data={"a": "1"})))
    started(
        world,
        container(volumeMounts=[{"name": "c", "mountPath": "/c"}]),
        volumes=[{"name": "c", "configMap": {"name": "c"}}],
    )
    world.do(Patch(Key("", "ConfigMap", "default", "c"), {"data": {"a": "2"}}))
    world.do(Create(plain("v1", "ConfigMap", "other", data={})))
    world.run(1)
    ((_, ask),) = world.asks(WriteFiles)
    assert ask.volumes == {"c": Mount("files", "c", {"a": b"2"})}


def test_a_token_is_signed_for_the_pod_and_renewed_in_time() -> None:
    class Signer:
        def sign(self, claims: Manifest) -> str:
            return f"{claims['sub']} until {claims['exp'] - claims['iat']}"

    world = World()
    world.kubelet._tokens = Signer()
    source = {"serviceAccountToken": {"path": "token", "expirationSeconds": 1000}}
    ask = started(
        world,
        container(volumeMounts=[{"name": "t", "mountPath": "/t"}]),
        volumes=[{"name": "t", "projected": {"sources": [source]}}],
    )
    said = b"system:serviceaccount:default:default until 1000"
    assert ask.mounts["/t"].files == {"token": said}
    world.run(2000)
    assert [round(second) for second, _ in world.asks(WriteFiles)] == [800, 1600]


def test_a_missing_config_map_is_said_and_waited_for() -> None:
    world = World()
    world.create(
        container(volumeMounts=[{"name": "c", "mountPath": "/c"}]),
        volumes=[{"name": "c", "configMap": {"name": "late"}}],
    )
    world.run(1)
    assert world.state() == "ContainerCreating"
    said = 'MountVolume.SetUp failed for volume "c" : configmap "late" not found'
    assert f"FailedMount: {said}" in world.events()
    world.do(Create(plain("v1", "ConfigMap", "late", data={})))
    world.run(1)
    assert world.state() == "running"
