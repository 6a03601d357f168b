"""kubectl's care of nodes and its waiting and editing, unmodified."""

import json
import shutil

import pytest
from tests.clients.conftest import Running, deployment, until

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
NODES = ("web-1", "web-2")


def _pods(cluster: Running, node: str) -> int:
    found = cluster.kubectl(
        "get", "pods", "-l", "app=drained", f"--field-selector=spec.nodeName={node}", "-o", "json"
    )
    return len(json.loads(found)["items"])


def _budget(least: int) -> dict[str, object]:
    selector = {"matchLabels": {"app": "drained"}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "drained", "namespace": "default"},
        "spec": {"minAvailable": least, "selector": selector},
    }


def test_drain_moves_pods_no_faster_than_their_budget_allows(cluster: Running) -> None:
    cluster.apply(deployment("drained", replicas=4), _budget(3))
    cluster.kubectl("rollout", "status", "deployment/drained", "--timeout=20s")
    until(
        lambda: (
            cluster.kubectl("get", "pdb", "drained", "-o", "jsonpath={.status.disruptionsAllowed}")
            == "1"
        )
    )
    node = next(node for node in NODES if _pods(cluster, node) >= 2)
    only = ("--pod-selector", "app=drained")
    try:
        said = cluster.run("drain", node, *only, "--timeout=25s")
        assert said.returncode == 0, said.stderr
        assert "evicted" in said.stdout
        assert "Cannot evict pod as it would violate the pod's disruption budget" in said.stderr
        assert _pods(cluster, node) == 0
        shown = cluster.kubectl("get", "node", node)
        assert "SchedulingDisabled" in shown
    finally:
        assert "uncordoned" in cluster.kubectl("uncordon", node)
    assert "SchedulingDisabled" not in cluster.kubectl("get", "node", node)
    cluster.kubectl("delete", "deployment/drained", "pdb/drained")


def test_a_cordoned_node_gets_no_pods(cluster: Running) -> None:
    cluster.kubectl("cordon", "web-1")
    try:
        cluster.apply(deployment("kept-off"))
        cluster.kubectl("rollout", "status", "deployment/kept-off", "--timeout=20s")
        nodes = cluster.kubectl(
            "get", "pods", "-l", "app=kept-off", "-o", "jsonpath={.items[*].spec.nodeName}"
        )
        assert set(nodes.split()) == {"web-2"}
    finally:
        cluster.kubectl("uncordon", "web-1")
        cluster.kubectl("delete", "deployment", "kept-off")


def test_wait_sees_conditions_values_and_ends(cluster: Running) -> None:
    cluster.apply(deployment("awaited"))
    name = "deployment/awaited"
    cluster.kubectl("wait", "--for=condition=Available", name, "--timeout=20s")
    cluster.kubectl("wait", "--for=jsonpath={.status.readyReplicas}=2", name, "--timeout=20s")
    never = cluster.run("wait", "--for=condition=Available=false", name, "--timeout=0.2s")
    assert "timed out waiting for the condition" in never.stderr
    cluster.kubectl("delete", name, "--wait=false")
    cluster.kubectl("wait", "--for=delete", name, "--timeout=20s")


def test_edit_changes_refuses_and_leaves_alone(cluster: Running) -> None:
    cluster.apply(deployment("edited"))
    name = ("edit", "deployment/edited")
    # kubectl calls the editor with a file; sed is one.
    changed = cluster.kubectl(*name, KUBE_EDITOR="sed -i s/replicas:.2/replicas:\\ 3/")
    assert changed == "deployment.apps/edited edited\n"
    found = cluster.kubectl("get", "deployment", "edited", "-o", "jsonpath={.spec.replicas}")
    assert found == "3"
    unchanged = cluster.run(*name, KUBE_EDITOR="true")
    assert "Edit cancelled, no changes made" in unchanged.stderr + unchanged.stdout
    refused = cluster.run(*name, KUBE_EDITOR="sed -i s/replicas:.3/replicas:\\ -1/")
    assert refused.returncode == 1
    assert 'deployments.apps "edited" is invalid' in refused.stderr
    cluster.kubectl("delete", "deployment", "edited")


def test_a_list_is_validated_by_kubectl_itself(cluster: Running) -> None:
    wished = deployment("listed")
    wished["spec"]["replica"] = wished["spec"].pop("replicas")
    said = cluster.run(
        "apply",
        "-f",
        "-",
        given=json.dumps({"apiVersion": "v1", "kind": "List", "items": [wished]}),
    )
    assert said.returncode == 1
    assert 'unknown field "replica" in io.k8s.api.apps.v1.DeploymentSpec' in said.stderr
