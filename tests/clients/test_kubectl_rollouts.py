"""kubectl rollout, scale and what else changes many pods, unmodified."""

import json
import shutil
from collections.abc import Iterator

import pytest
from tests.clients.conftest import Running, deployment, until

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
NAME = "deployment/rolled"
STATUS = ("rollout", "status", NAME, "--timeout=25s")


@pytest.fixture
def rolled(cluster: Running) -> Iterator[Running]:
    """A deployment at its first revision."""
    cluster.apply(deployment("rolled", replicas=1))
    cluster.kubectl(*STATUS)
    yield cluster
    cluster.kubectl("delete", NAME)


def image(cluster: Running) -> str:
    path = "jsonpath={.spec.template.spec.containers[0].image}"
    return cluster.kubectl("get", NAME, "-o", path)


def test_a_rollout_has_a_history_and_is_undone(rolled: Running) -> None:
    rolled.kubectl("set", "image", NAME, "app=modelled:2")
    rolled.kubectl("annotate", NAME, "kubernetes.io/change-cause=second try")
    assert "successfully rolled out" in rolled.kubectl(*STATUS)
    history = rolled.kubectl("rollout", "history", NAME)
    assert [line.split(maxsplit=1) for line in history.splitlines()[2:4]] == [
        ["1", "<none>"],
        ["2", "second try"],
    ]
    shown = rolled.kubectl("rollout", "history", NAME, "--revision=2")
    assert "Image:	modelled:2" in shown
    assert rolled.kubectl("rollout", "undo", NAME) == "deployment.apps/rolled rolled back\n"
    assert image(rolled) == "modelled:1"
    rolled.kubectl("rollout", "undo", NAME, "--to-revision=2")
    assert image(rolled) == "modelled:2"


def test_a_paused_rollout_waits_until_it_is_resumed(rolled: Running) -> None:
    rolled.kubectl("rollout", "pause", NAME)
    rolled.kubectl("set", "image", NAME, "app=modelled:3")
    sets = ("get", "replicasets", "-l", "app=rolled", "-o", "name")
    assert len(rolled.kubectl(*sets).split()) == 1
    refused = rolled.run("rollout", "restart", NAME)
    assert "can't restart paused deployment" in refused.stderr
    rolled.kubectl("rollout", "resume", NAME)
    rolled.kubectl(*STATUS)
    assert len(rolled.kubectl(*sets).split()) == 2


def test_a_restart_replaces_every_pod(rolled: Running) -> None:
    pods = ("get", "pods", "-l", "app=rolled", "-o", "name")
    before = set(rolled.kubectl(*pods).split())
    rolled.kubectl("rollout", "restart", NAME)
    rolled.kubectl(*STATUS)
    until(lambda: not before & set(rolled.kubectl(*pods).split()))


def test_scale_sees_whether_it_is_as_expected(rolled: Running) -> None:
    refused = rolled.run("scale", NAME, "--replicas=3", "--current-replicas=2")
    assert refused.returncode == 1
    assert "Expected replicas to be 2, was 1" in refused.stderr
    rolled.kubectl("scale", NAME, "--replicas=3", "--current-replicas=1")
    rolled.kubectl("wait", "--for=jsonpath={.status.readyReplicas}=3", NAME, "--timeout=20s")
    scale = json.loads(
        rolled.kubectl("get", "--raw", "/apis/apps/v1/namespaces/default/deployments/rolled/scale")
    )
    assert (scale["spec"]["replicas"], scale["status"]["selector"]) == (3, "app=rolled")


def test_stateful_and_daemon_sets_have_rollouts_too(cluster: Running) -> None:
    for kind, more in (("StatefulSet", {"serviceName": "x", "replicas": 1}), ("DaemonSet", {})):
        whole = deployment("sets")
        spec = {key: whole["spec"][key] for key in ("selector", "template")}
        cluster.apply({**whole, "kind": kind, "spec": {**spec, **more}})
        name = f"{kind.lower()}/sets"
        cluster.kubectl("rollout", "status", name, "--timeout=25s")
        cluster.kubectl("set", "image", name, "app=modelled:2")
        cluster.kubectl("rollout", "status", name, "--timeout=25s")
        history = cluster.kubectl("rollout", "history", name)
        assert [line.split()[0] for line in history.splitlines()[2:4]] == ["1", "2"]
        cluster.kubectl("rollout", "undo", name)
        cluster.kubectl("delete", name)
