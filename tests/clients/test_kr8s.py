"""kr8s: objects, watch, scale, logs, exec, port forwarding."""

import contextlib
import socket
import urllib.request

import pytest
from tests.clients.conftest import Running, deployment

pytest.importorskip("kr8s")
pytestmark = pytest.mark.filterwarnings("ignore")

import kr8s  # noqa: E402
from kr8s.objects import ConfigMap, Deployment, Pod  # noqa: E402


@pytest.fixture(scope="module")
def api(cluster: Running) -> "kr8s.Api":
    return kr8s.api(kubeconfig=cluster.kubeconfig)


def test_a_config_map_is_created_patched_and_deleted(api: "kr8s.Api") -> None:
    made = ConfigMap({"metadata": {"name": "kr", "namespace": "default"}}, api=api)
    made.create()
    made.patch({"data": {"a": "1"}})
    made.refresh()
    assert made.data.a == "1"
    made.delete()
    assert not made.exists()


def test_a_deployment_is_scaled_and_awaited(api: "kr8s.Api") -> None:
    made = Deployment(deployment("kr"), api=api)
    made.create()
    made.scale(3)
    made.wait("condition=Available")
    assert len(list(api.get("pods", namespace="default", label_selector="app=kr"))) == 3
    made.delete()


def quiet_port() -> int:
    """A free port below those that the system gives to connections."""
    for port in range(21_000, 22_000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("a thousand ports are taken")


def test_logs_programs_and_ports(api: "kr8s.Api") -> None:
    web = Pod.get("web", namespace="default", api=api)
    assert next(iter(web.logs())) == "ready"
    assert web.exec(["echo", "hello"]).stdout == b"hello\n"
    assert web.exec(["sh", "-c", "exit 3"], check=False).returncode == 3
    with (
        # "auto" takes a port that some connection may have meanwhile.
        web.portforward(remote_port=8080, local_port=quiet_port()) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/kr", timeout=10) as answer,
    ):
        assert answer.read() == b"you asked for /kr"
