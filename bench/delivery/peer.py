"""kubectl on the same objects, as a process of its own, and what it used."""

import os
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

KUBECTL = "kubectl"
# What `kubectl diff` leaves with when there are differences.
DIFFERENT = 1


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds of the wall clock and of processor time, and the largest resident memory."""

    seconds: float
    cpu_seconds: float


def apply(kubeconfig: Path, manifests: Path) -> Used:
    """`kubectl apply --server-side` of a file."""
    options = ["--server-side", "--force-conflicts", "--field-manager", "kiban"]
    return _kubectl(kubeconfig, ["apply", *options, "-f", str(manifests)])


def diff(kubeconfig: Path, manifests: Path) -> Used:
    """`kubectl diff --server-side` of a file, each object by a dry run."""
    options = ["--server-side", "--force-conflicts", "--field-manager", "kiban"]
    return _kubectl(kubeconfig, ["diff", *options, "-f", str(manifests)])


def version() -> str:
    done = subprocess.run(
        [KUBECTL, "version", "--client"], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[0].rpartition(" ")[2]


def _kubectl(kubeconfig: Path, arguments: list[str]) -> Used:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    done = subprocess.run(
        [KUBECTL, "--kubeconfig", str(kubeconfig), *arguments],
        env={**os.environ, "HOME": str(kubeconfig.parent)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    if done.returncode not in (0, DIFFERENT):
        raise AssertionError(f"kubectl {arguments[0]} failed: {done.stderr[-500:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Used(seconds, cpu)
