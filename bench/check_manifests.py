"""How long `kiban check` takes, from a cold process, beside what teams use today.

    python -m bench.check_manifests [--manifests 2100 21000] [--checkov PATH]

Writes manifests to a temporary directory, checks them in a process of its own and prints one JSON
object for each number of them: CPU and wall seconds of each tool, and the floor, which is reading
the same files with PyYAML's C implementation and nothing else. checkov is measured when its
program is named or found, for the first number only: it takes minutes.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.compile_services import write_repo
from kiban.compiler import compile_platform, render
from kiban.spec import load_platform, read_directory

PER_SERVICE = 6
FLOOR = (
    "import sys, yaml, pathlib\n"
    "for path in sorted(pathlib.Path(sys.argv[1]).rglob('*.yaml')):\n"
    "    list(yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader))\n"
)


def write_manifests(folder: Path, *, manifests: int) -> int:
    """Compiled services, as files of one service each; the number of their objects."""
    with tempfile.TemporaryDirectory() as repo:
        services = manifests // PER_SERVICE
        write_repo(Path(repo), services=services, environments=1)
        platform = load_platform(read_directory(Path(repo)))
        count = 0
        for bundle in compile_platform(platform):
            count += len(bundle.manifests)
            for path, text in render(bundle).items():
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
    return count


def timed(command: list[str]) -> dict[str, float]:
    """Wall and CPU seconds of a process that begins cold."""
    environment = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=False, env=environment)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": round(wall, 3), "cpu": round(cpu, 3)}


def measure(*, manifests: int, checkov: str | None) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = write_manifests(folder, manifests=manifests)
        kiban = [sys.executable, "-m", "kiban", "check", name]
        found: dict[str, object] = {
            "manifests": count,
            "kiban": timed(kiban),
            "floor": timed([sys.executable, "-c", FLOOR, name]),
        }
        if checkov:
            words = ["--directory", name, "--framework", "kubernetes", "--quiet", "--compact"]
            found["checkov"] = timed([checkov, *words])
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifests", type=int, nargs="+", default=[2100, 21000])
    parser.add_argument("--checkov", default=shutil.which("checkov"))
    chosen = parser.parse_args()
    for index, count in enumerate(chosen.manifests):
        checkov = None if index else chosen.checkov
        print(json.dumps(measure(manifests=count, checkov=checkov)), flush=True)


if __name__ == "__main__":
    main()
