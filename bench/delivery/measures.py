"""What is measured, part by part; each part starts clusters of its own in a fresh directory."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import yaml

from bench.api.served import Served
from bench.delivery import peer, repo
from bench.delivery.report import Row
from kiban.compiler import compile_environment
from kiban.spec import load_platform, read_directory

APPS = 1_000
AFFECTED = 100
CLUSTERS, APPS_EACH = 26, 20
IDLE_SECONDS = 20.0
HOUR = 3600


def install(directory: Path, scale: float) -> list[Row]:
    """Everything for the first time, again with nothing changed, commits, standing still."""
    apps = int(APPS * scale)
    root, manifests = directory / "platform", directory / "all.yaml"
    repo.write_repo(root, apps)
    objects = write_manifests(root, manifests)
    with _cluster(directory / "kubectl") as (_, kubeconfig):
        first, again = peer.apply(kubeconfig, manifests), peer.apply(kubeconfig, manifests)
        diff = peer.diff(kubeconfig, manifests)
    what = f"{apps:,} apps, {objects:,} objects"
    with _cluster(directory / "kiban") as (server, kubeconfig):
        job = {"repo": str(root), "kubeconfigs": {repo.ENVIRONMENT: str(kubeconfig)}}
        before = server.cpu_seconds
        ours = _engine({**job, "act": "install"})
        cpu = server.cpu_seconds - before
        rows = [
            Row(f"first install of {what}", ours["seconds"], "s", first.seconds, 15.0 * scale,
                f"{_sent(ours)}; the server used {cpu:.1f} s of CPU"),
            Row("CPU of the engine for it", ours["cpu_seconds"], "s", first.cpu_seconds),
            Row("memory of the engine", ours["memory_mib"], "MiB", None, 300.0),
        ]  # fmt: skip
        rows += _again(job, again, diff)
        rows += _changes(job, apps, manifests, directory)
        rows.append(Row("memory of the API server then", server.memory_mib, "MiB"))
    return rows


def _again(job: dict[str, Any], again: peer.Used, diff: peer.Used) -> list[Row]:
    ours = _engine({**job, "act": "install"})
    requests = f"{ours['reads']} lists, {ours['watches']} watches"
    return [
        Row("the engine started anew, nothing changed", ours["seconds"], "s", again.seconds,
            None, requests),
        Row("the same beside kubectl diff", ours["seconds"], "s", diff.seconds),
        Row("writes of it", ours["writes"], "", None, 0.0),
    ]  # fmt: skip


def _changes(job: dict[str, Any], apps: int, manifests: Path, directory: Path) -> list[Row]:
    affected = min(AFFECTED, apps)
    found = _engine(
        {**job, "act": "changes", "services": apps, "changed": [1, affected],
         "idle_seconds": IDLE_SECONDS}
    )  # fmt: skip
    one, many, none, idle = found["1"], found[str(affected)], found["0"], found["idle"]
    return [
        Row("commit to what it affects known, 1 app changed", one["known_seconds"], "s", None, 1.0),
        Row("commit to delivered, 1 app changed", one["seconds"], "s", None, None,
            _sent(one)),
        Row(f"commit to what it affects known, {affected} apps changed", many["known_seconds"], "s",
            None, 1.0),
        Row(f"commit to the last write, {affected} apps changed", many["written_seconds"], "s"),
        Row(f"commit to delivered, {affected} apps changed", many["seconds"], "s", None, None,
            _sent(many)),
        Row("commit to delivered, no app changed", none["seconds"], "s", None, None,
            f"{_sent(none)}: which commit runs"),
        *_standing(idle),
    ]  # fmt: skip


def _sent(found: dict[str, Any]) -> str:
    trials = f" after {found['trials']:,} dry runs" if found["trials"] else ""
    return f"{found['writes']:,} writes{trials}, {found['reads']} reads"


def _standing(idle: dict[str, Any]) -> list[Row]:
    share = idle["cpu_seconds"] / idle["seconds"]
    note = f"measured over {idle['seconds']:g} s and scaled"
    return [
        Row("requests in an hour without a change", idle["calls"] * HOUR / idle["seconds"], "",
            None, 0.0, f"{note}; {idle['watches']} watches are renewed "
            f"{idle['renewals_an_hour']:.0f} times besides"),
        Row("CPU of an hour without a change", share * HOUR, "s", None, 0.01 * HOUR, note),
    ]  # fmt: skip


def plan(directory: Path, scale: float) -> list[Row]:
    """What merging a release of a hundred apps would do, asked before it is merged."""
    apps, affected = int(APPS * scale), int(AFFECTED * scale)
    root, before = directory / "platform", directory / "before.yaml"
    repo.write_repo(root, apps)
    write_manifests(root, before)
    repo.release(root, apps, affected, "v2")
    changed = directory / "changed.yaml"
    names = {repo.service_name(number) for number in range(affected)}
    write_manifests(root, changed, only=names)
    with _cluster(directory / "cluster") as (_, kubeconfig):
        peer.apply(kubeconfig, before)
        theirs = peer.diff(kubeconfig, changed)
    begun = time.perf_counter()
    text = subprocess.run(
        [sys.executable, "-m", "kiban", "plan", "HEAD~1..HEAD", "--json"],
        cwd=root, env=_environment(), check=True, capture_output=True,
    ).stdout  # fmt: skip
    seconds = time.perf_counter() - begun
    (found,) = orjson.loads(text)["environments"]
    counts = ", ".join(f"{number} {action}" for action, number in found["counts"].items())
    name = f"plan of a commit to {affected} of {apps:,} apps"
    note = f"{counts}; kubectl diff of the {affected} apps alone, with a cluster"
    return [Row(name, seconds, "s", theirs.seconds, 10.0, note)]


def fleet(directory: Path, scale: float) -> list[Row]:
    """One platform on many clusters, from one engine."""
    names = [f"c{number:02d}" for number in range(max(2, int(CLUSTERS * scale)))]
    root, manifests = directory / "platform", directory / "all.yaml"
    repo.write_repo(root, APPS_EACH, names)
    write_manifests(root, manifests, environment=names[0])
    objects = 0
    with _clusters(directory / "theirs", names) as kubeconfigs:
        seconds = 0.0
        for name in names:
            objects += write_manifests(root, manifests, environment=name)
            seconds += peer.apply(kubeconfigs[name], manifests).seconds
    with _clusters(directory / "ours", names) as kubeconfigs:
        job = {
            "repo": str(root),
            "kubeconfigs": {name: str(path) for name, path in kubeconfigs.items()},
        }
        ours = _engine({**job, "act": "install"})
        again = _engine({**job, "act": "install"})
    what = f"{len(names)} clusters × {APPS_EACH} apps, {objects:,} objects"
    return [
        Row(f"first install of {what}", ours["seconds"], "s", seconds, None,
            "all API servers in one process; kubectl one cluster after the other"),
        Row("memory of the engine for all clusters", ours["memory_mib"], "MiB"),
        Row("the engine started anew, nothing changed", again["seconds"], "s", None, None,
            _sent(again)),
    ]  # fmt: skip


def write_manifests(
    root: Path, file: Path, *, environment: str = repo.ENVIRONMENT, only: set[str] | None = None
) -> int:
    """What the repo compiles to as one file for kubectl; how many objects."""
    bundle = compile_environment(load_platform(read_directory(root)), environment)
    chosen = [
        manifest for manifest in bundle.manifests
        if only is None or manifest["metadata"]["name"] in only
    ]  # fmt: skip
    file.write_text(yaml.dump_all(chosen, Dumper=yaml.CSafeDumper, sort_keys=False))
    return len(chosen)


@contextmanager
def _cluster(directory: Path) -> Iterator[tuple[Served, Path]]:
    """A whole embedded cluster as `kiban cluster start` runs it, and its kubeconfig."""
    directory.mkdir()
    with Served(directory, "whole") as server:
        server.wait()
        yield server, directory / "cluster" / "kubeconfig"


@contextmanager
def _clusters(directory: Path, names: list[str]) -> Iterator[dict[str, Path]]:
    directory.mkdir()
    command = [sys.executable, "-m", "bench.delivery.clusters", str(directory), *names]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=_environment())
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n", "the clusters did not start"
        yield {name: directory / name / "kubeconfig" for name in names}
    finally:
        process.kill()
        process.communicate()


def _engine(job: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.delivery.engine"],
        input=orjson.dumps(job), stdout=subprocess.PIPE, env=_environment(), check=True,
    )  # fmt: skip
    found: dict[str, Any] = orjson.loads(done.stdout)
    return found


def _environment() -> dict[str, str]:
    """As on a user's machine, where modules are compiled once."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


PARTS: dict[str, Callable[[Path, float], list[Row]]] = {
    "install": install,
    "plan": plan,
    "fleet": fleet,
}
