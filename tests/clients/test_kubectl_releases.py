"""What other people release, in its shapes: applied twice either way, compared, and removed whole.

The manifests are ours, written after what the applications' documentation describes.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.clients.conftest import Running, until

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
PLACE = Path(__file__).with_name("manifests")
RELEASES = ("certificates", "gitops", "monitoring", "ingress", "metrics", "database", "machines")


def manifests(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((PLACE / f"{name}.yaml").read_text()))


def states(cluster: Running, path: str) -> dict[str, tuple[str, Any]]:
    """Every object of a file with its identity, and what would tell that it was written to."""
    read = json.loads(cluster.kubectl("get", "-f", path, "-o", "json"))
    found = {}
    for item in read["items"] if read["kind"] == "List" else [read]:
        metadata = item["metadata"]
        # A kind without a generation has no status either that others would write.
        version = metadata.get("generation") or metadata["resourceVersion"]
        found[f"{item['kind']}/{metadata['name']}"] = (metadata["uid"], version)
    return found


@pytest.mark.parametrize("name", RELEASES)
def test_a_release_is_applied_twice_compared_and_removed(cluster: Running, name: str) -> None:
    path = str(PLACE / f"{name}.yaml")
    count = len(manifests(name))
    lines = cluster.kubectl("apply", "-f", path).splitlines()
    assert [line.split()[1] for line in lines] == ["created"] * count
    before = states(cluster, path)
    # kubectl says "configured" of what it sends again (a list without its defaults, a secret's
    # texts); what counts is that nothing is changed by it.
    again = cluster.kubectl("apply", "-f", path).splitlines()
    assert {line.split()[1] for line in again} <= {"unchanged", "configured"}
    assert states(cluster, path) == before
    compared = cluster.run("diff", "-f", path)
    assert (compared.returncode, compared.stdout) == (0, ""), compared.stderr
    apply = ("apply", "--server-side", "--force-conflicts", "-f", path)
    cluster.kubectl(*apply)
    before = states(cluster, path)
    cluster.kubectl(*apply)
    assert states(cluster, path) == before
    compared = cluster.run("diff", "--server-side", "--force-conflicts", "-f", path)
    assert (compared.returncode, compared.stdout) == (0, ""), compared.stderr
    # What lies in a namespace may be gone with it before kubectl comes to it.
    cluster.kubectl("delete", "-f", path, "--timeout=25s", "--ignore-not-found")
    left = cluster.run("get", "-f", path, "-o", "name", "--ignore-not-found")
    assert left.stdout == ""


@pytest.mark.parametrize("name", ["monitoring", "machines"])
def test_objects_of_a_releases_own_kinds_are_served_like_others(
    cluster: Running, name: str
) -> None:
    definitions = [m for m in manifests(name) if m["kind"] == "CustomResourceDefinition"]
    cluster.apply(*definitions)
    crds = [f"crd/{d['metadata']['name']}" for d in definitions]
    cluster.kubectl("wait", "--for=condition=Established", *crds, "--timeout=20s")
    path = str(PLACE / f"{name}-objects.yaml")
    kinds = [m["kind"] for m in manifests(f"{name}-objects")]
    lines = cluster.kubectl("apply", "-f", path).splitlines()
    assert [line.split()[1] for line in lines] == ["created"] * len(kinds)
    before = states(cluster, path)
    cluster.kubectl("apply", "-f", path)
    assert states(cluster, path) == before
    assert cluster.run("diff", "-f", path).returncode == 0
    for kind in kinds:
        assert "spec\t<Object>" in cluster.kubectl("explain", kind)
        assert kind in cluster.kubectl("get", kind, "-A", "-o", "yaml")
    cluster.kubectl("delete", *crds, "--timeout=25s")
    until(lambda: cluster.run("get", kinds[0], "-A").returncode == 1)


def test_a_definitions_rules_hold_for_its_objects(cluster: Running) -> None:
    cluster.apply(*manifests("machines"))
    crd = "crd/nodepools.machines.example.com"
    cluster.kubectl("wait", "--for=condition=Established", crd, "--timeout=20s")
    (pool,) = manifests("machines-objects")
    cluster.apply(pool)
    found = json.loads(cluster.kubectl("get", "nodepool", "general", "-o", "json"))
    assert found["spec"]["disruption"]["budgets"] == [{"nodes": "10%"}]
    assert found["spec"]["template"]["spec"]["expireAfter"] == "720h"
    shown = cluster.kubectl("get", "nodepools").splitlines()
    assert shown[0].split() == ["NAME", "NODECLASS"]
    assert shown[1].split() == ["general", "general"]
    for patch, fault in (
        ({"template": {"spec": {"nodeClassRef": {"group": "other"}}}}, "group is immutable"),
        ({"weight": 101}, "spec.weight: Invalid value: 101"),
        ({"limits": {"cpu": "much"}}, "spec.limits.cpu"),
        ({"disruption": {"budgets": [{"nodes": "1", "schedule": "x"}]}}, "'schedule' must be set"),
        ({"template": {"metadata": {"labels": {"a.kubernetes.io/x": "y"}}}}, "is restricted"),
    ):
        text = json.dumps({"spec": patch})
        refused = cluster.run("patch", "nodepool", "general", "--type=merge", "-p", text)
        assert refused.returncode == 1 and fault in refused.stderr, refused.stderr
    cluster.kubectl("scale", "nodepool", "general", "--replicas=3")
    assert cluster.kubectl("get", "nodepool", "general", "-o", "jsonpath={.spec.replicas}") == "3"
    cluster.kubectl("delete", crd, "--timeout=25s")
