"""An operator written with kopf, in a process of its own, with the CRD it is for."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass
class Operator:
    """The operator's process, which may be ended and begun again."""

    cluster: Running
    log: Path
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        script = Path(__file__).with_name("bakery.py")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kopf", "run", "--namespace", "default", str(script)],
                env=self.cluster.environment,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture
def operator(cluster: Running, tmp_path: Path) -> Iterator[Operator]:
    """The CRD and its operator; the operator's log is shown when a test fails."""
    cluster.apply(DEFINITION)
    cluster.kubectl("wait", "--for=condition=Established", "crd/bakeries.kopf.example")
    made = Operator(cluster, tmp_path / "log")
    made.start()
    try:
        yield made
    finally:
        made.stop()
        print(made.log.read_text())
    cluster.kubectl("delete", "crd", "bakeries.kopf.example")


def found(cluster: Running, *words: str) -> Any:
    done = cluster.run("get", *words, "-o", "json")
    return json.loads(done.stdout) if done.returncode == 0 else None


def status(cluster: Running) -> dict[str, Any]:
    return dict((found(cluster, "bakery", "corner") or {}).get("status") or {})


def test_an_operator_creates_follows_and_cleans_up(operator: Operator) -> None:
    operated = operator.cluster
    operated.apply(bakery("rye"))
    until(lambda: status(operated).get("bread") == "rye")
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

    until(lambda: status(operated).get("hours") == 3)
    until(lambda: "Heated" in operated.kubectl("get", "events"))
    before = status(operated).get("reopened", 0)
    operator.stop()
    operator.start()
    until(lambda: status(operated).get("reopened", 0) > before)

    operated.kubectl("delete", "bakery", "corner", "--timeout=20s")
    until(lambda: found(operated, "configmap", "corner") is None)
    until(lambda: "Closed" in operated.kubectl("get", "events"))
    assert "Cooled" in operated.kubectl("get", "events")
