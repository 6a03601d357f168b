"""One running cluster for all clients of this group, and kubectl as a function."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

Found = TypeVar("Found")

IMAGE = "registry.example/app:1"
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Running:
    """A cluster in a process of its own."""

    directory: Path
    facts: dict[str, Any]

    @property
    def kubeconfig(self) -> str:
        return str(self.facts["kubeconfig"])

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": self.kubeconfig}

    def run(self, *words: str, given: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
        """Run kubectl, whatever it ends with."""
        return subprocess.run(
            ["kubectl", *words],
            env={**self.environment, **more},
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def kubectl(self, *words: str, given: str = "", **more: str) -> str:
        """Run kubectl; what it says. It must succeed."""
        done = self.run(*words, given=given, **more)
        assert done.returncode == 0, f"kubectl {words}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def apply(self, *manifests: dict[str, Any]) -> None:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        self.kubectl("apply", "-f", "-", given=text)

    def process_names(self, marker: str) -> list[str]:
        """The command lines of this cluster's processes that hold a text."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                # Another test process may run the same programs in a cluster of its own.
                ours = str(self.directory).encode() in (path / "environ").read_bytes()
            except OSError:
                continue
            if ours and marker in line and "kubectl" not in line:
                found.append(line)
        return found


def until(ask: Callable[[], Found]) -> Found:
    """Ask until the answer is true; the answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = ask()
        if found:
            return found
        assert time.monotonic() < deadline, f"never became true; last was {found!r}"
        time.sleep(0.05)


def pod(name: str, namespace: str = "default", **container: Any) -> dict[str, Any]:
    """A pod whose program really runs."""
    app = {"name": "app", "image": IMAGE, "command": ["python", "app.py"], **container}
    app.setdefault("ports", [{"containerPort": 8080}])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": [app], "terminationGracePeriodSeconds": 2},
    }


def deployment(name: str, namespace: str = "default", replicas: int = 2) -> dict[str, Any]:
    """A deployment of containers that are modelled, not run."""
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "app", "image": "modelled:1"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The cluster, with the pod `web` that serves HTTP; nothing of it is left afterwards."""
    directory = tmp_path_factory.mktemp("clients")
    script = Path(__file__).with_name("running.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        running = Running(directory, json.loads(process.stdout.readline()))
        running.apply(pod("web"))
        running.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=20s")
        until(lambda: "ready" in running.kubectl("logs", "web"))
        yield running
    finally:
        process.communicate(timeout=PATIENCE_SECONDS)
    assert running.process_names("app.py") == []
