"""An operator written with kopf, in a process of its own, with the CRD it is for."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clients.conftest import Running, until

pytest.importorskip("kopf")

PROPERTIES = {
    "spec": {
        "type": "object",
        "required": ["bread"],
        "properties": {
            "bread": {"type": "string", "enum": ["rye", "wheat"]},
            "loaves": {"type": "integer", "minimum": 1, "default": 1},
        },
    },
    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "bakeries.kopf.example"},
    "spec": {
        "group": "kopf.example",
        "scope": "Namespaced",
        "names": {"kind": "Bakery", "plural": "bakeries", "singular": "bakery"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": PROPERTIES}},
            }
        ],
    },
}


def bakery(bread: str) -> dict[str, Any]:
    return {
        "apiVersion": "kopf.example/v1",
        "kind": "Bakery",
        "metadata": {"name": "corner", "namespace": "default"},
        "spec": {"bread": bread},
    }


@pytest.fixture
def operated(cluster: Running, tmp_path: Path) -> Iterator[Running]:
    """The cluster with the CRD and its operator; the operator's log is shown when a test fails."""
    cluster.apply(DEFINITION)
    cluster.kubectl("wait", "--for=condition=Established", "crd/bakeries.kopf.example")
    script = Path(__file__).with_name("bakery.py")
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kopf", "run", "--namespace", "default", str(script)],
            env=cluster.environment,
            stdout=log,
            stderr=log,
        )
        try:
            yield cluster
        finally:
            process.terminate()
            process.wait(20)
            print((tmp_path / "log").read_text())
    cluster.kubectl("delete", "crd", "bakeries.kopf.example")


def found(cluster: Running, *words: str) -> Any:
    done = cluster.run("get", *words, "-o", "json")
    return json.loads(done.stdout) if done.returncode == 0 else None


def test_an_operator_creates_follows_and_cleans_up(operated: Running) -> None:
    operated.apply(bakery("rye"))
    until(lambda: (found(operated, "bakery", "corner").get("status") or {}).get("bread") == "rye")
    made = found(operated, "configmap", "corner")
    assert made["data"] == {"bread": "rye"}
    assert made["metadata"]["ownerReferences"][0]["kind"] == "Bakery"
    custom = found(operated, "bakery", "corner")
    assert custom["spec"]["loaves"] == 1
    assert "kopf.zalando.org/KopfFinalizerMarker" in custom["metadata"]["finalizers"]

    operated.kubectl(
        "patch", "bakery", "corner", "--type=merge", "-p", '{"spec":{"bread":"wheat"}}'
    )
    until(lambda: found(operated, "configmap", "corner")["data"] == {"bread": "wheat"})
    refused = operated.run(
        "patch", "bakery", "corner", "--type=merge", "-p", '{"spec":{"bread":"x"}}'
    )
    assert 'Unsupported value: "x"' in refused.stderr

    operated.kubectl("delete", "bakery", "corner", "--timeout=20s")
    until(lambda: found(operated, "configmap", "corner") is None)
    until(lambda: "Closed" in operated.kubectl("get", "events"))
