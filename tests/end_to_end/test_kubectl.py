"""kubectl, unmodified, against a platform that is up."""

import json
import os
import shutil
import subprocess
from typing import Any

import pytest
from tests.end_to_end.conftest import Repo, until

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed"),
]
NAMESPACE = "shop-dev"


def kubectl(repo: Repo, *arguments: str) -> str:
    environment = {**os.environ, "KUBECONFIG": repo.kiban("kubeconfig").strip()}
    done = subprocess.run(
        ["kubectl", "--namespace", NAMESPACE, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"kubectl {arguments}: {done.stdout}\n{done.stderr}"
    return done.stdout


def pods(repo: Repo) -> list[dict[str, Any]]:
    """The pods of hello that are not on their way out."""
    items = json.loads(kubectl(repo, "get", "pods", "-o", "json"))["items"]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def test_get_all_shows_the_platform(platform: Repo) -> None:
    shown = kubectl(platform, "get", "all", "-A")
    for line in ("deployment.apps/hello", "service/hello", "replicaset.apps/hello-", "pod/hello-"):
        assert line in shown


def test_describe_tells_a_pods_story(platform: Repo) -> None:
    name = pods(platform)[0]["metadata"]["name"]
    story = kubectl(platform, "describe", "pod", name)
    assert "Started container app" in story
    assert "Successfully assigned" in story


def test_logs_follow_a_pod(platform: Repo) -> None:
    name = pods(platform)[0]["metadata"]["name"]
    environment = {**os.environ, "KUBECONFIG": platform.kiban("kubeconfig").strip()}
    following = subprocess.Popen(
        ["kubectl", "--namespace", NAMESPACE, "logs", "-f", name],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert following.stdout is not None
        assert following.stdout.readline().strip()
    finally:
        following.kill()
        following.communicate()


def test_a_scale_by_hand_is_healed(platform: Repo) -> None:
    kubectl(platform, "scale", "deployment", "hello", "--replicas", "4")
    until(lambda: _replicas(platform) == 2)
    told = [e["message"] for e in platform.json("events") if e["reason"] == "delivery/drift"]
    assert any("hello" in message for message in told)


def test_a_deleted_pod_is_replaced(platform: Repo) -> None:
    name = pods(platform)[0]["metadata"]["name"]
    kubectl(platform, "delete", "pod", name)
    until(lambda: name not in {pod["metadata"]["name"] for pod in pods(platform)})
    kubectl(platform, "rollout", "status", "deployment", "hello", "--timeout", "60s")
    assert len(pods(platform)) == 2


def test_an_undone_rollout_is_drift_too(platform: Repo) -> None:
    service = platform.path / "services/hello.yaml"
    text = service.read_text().replace("Hello from shop", "Hello again")
    commit = platform.commit("Greet again", services__hello=text)
    until(lambda: platform.status()["delivered"] == commit)
    kubectl(platform, "rollout", "undo", "deployment", "hello")
    until(lambda: "Hello again" in kubectl(platform, "get", "deployment", "hello", "-o", "yaml"))
    kubectl(platform, "rollout", "status", "deployment", "hello", "--timeout", "60s")
    until(lambda: "Hello again" in platform.get()[1])


def test_apply_and_delete_objects_of_ones_own(platform: Repo) -> None:
    path = platform.path / "own.yaml"
    path.write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\ndata: {colour: blue}\n"
    )
    assert "created" in kubectl(platform, "apply", "-f", str(path))
    assert "unchanged" in kubectl(platform, "apply", "-f", str(path))
    assert kubectl(platform, "get", "cm", "own", "-o", "jsonpath={.data.colour}") == "blue"
    assert "deleted" in kubectl(platform, "delete", "-f", str(path))


def _replicas(platform: Repo) -> int:
    found = json.loads(kubectl(platform, "get", "deployment", "hello", "-o", "json"))
    return int(found["spec"]["replicas"])
