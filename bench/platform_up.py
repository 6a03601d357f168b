"""How long a user waits: the cluster's first answer, a platform ready, a commit serving; and what
it holds in memory.

    python -m bench.platform_up

Prints one line of JSON. Baselines of the same run: an empty Python process for the start, starting
and asking the service's program alone, by hand, for what must at least be waited for.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

KIBAN = (sys.executable, "-m", "kiban")
LONGEST_SECONDS = 60.0
POLL_SECONDS = 0.005


def main() -> None:
    # As on a user's machine, where modules are compiled once.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    figures: dict[str, Any] = {"empty_python_seconds": empty_python()}
    with tempfile.TemporaryDirectory() as directory:
        figures["cluster"] = cluster(Path(directory))
    with tempfile.TemporaryDirectory() as directory:
        figures["platform"] = platform(Path(directory) / "shop")
    first = figures["cluster"]["first_answer_seconds"]
    figures["first_answer_over_empty_python"] = round(first / figures["empty_python_seconds"], 1)
    by_hand = figures["platform"]["program_by_hand_seconds"]
    serving = figures["platform"]["commit_to_serving_seconds"]
    figures["commit_to_serving_over_program_by_hand"] = round(serving / by_hand, 1)
    print(json.dumps(figures, sort_keys=True))


def empty_python() -> float:
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return round(time.monotonic() - start, 3)


def cluster(directory: Path) -> dict[str, float]:
    """The embedded cluster alone, from process start to its first answer; cold and warm."""
    found = {}
    for name in ("first_answer_seconds", "second_start_seconds"):
        port = free_port()
        start = time.monotonic()
        process = subprocess.Popen(
            [*KIBAN, "cluster", "start", "--state", str(directory), "--port", str(port), "--json"],
            stdout=subprocess.DEVNULL,
        )
        until(lambda port=port: connects(port))  # type: ignore[misc]
        found[name] = round(time.monotonic() - start, 3)
        found["resident_mb"] = resident(process.pid)
        process.send_signal(signal.SIGINT)
        process.wait()
    return found


def platform(directory: Path) -> dict[str, float]:
    """A new repo from nothing to its first answer, and one commit from Git to the gateway."""
    run(*KIBAN, "new", "shop", "--directory", str(directory), folder=directory.parent)
    start = time.monotonic()
    facts = json.loads(
        run(*KIBAN, "up", "--detach", "--until", "ready", "--json", folder=directory)
    )
    ready = time.monotonic() - start
    try:
        serving = commit_to_serving(directory, facts["cluster"]["gateway"])
        return {
            "ready_seconds": round(ready, 3),
            "commit_to_serving_seconds": round(serving, 3),
            "program_by_hand_seconds": by_hand(directory / "apps/hello/main.py"),
            "resident_mb": resident(int(facts["pid"])),
        }
    finally:
        run(*KIBAN, "down", folder=directory)


def commit_to_serving(directory: Path, gateway: str) -> float:
    """Change what the service says, commit, and ask until it says so."""
    spec = directory / "services/hello.yaml"
    spec.write_text(spec.read_text().replace("Hello from shop", "Good evening"))
    run("git", "commit", "-qam", "Say good evening", folder=directory)
    start = time.monotonic()
    until(lambda: "Good evening" in ask(f"http://{gateway}/", "shop.localhost"))
    return time.monotonic() - start


def by_hand(program: Path) -> float:
    """The same program started alone, until it answers."""
    port = free_port()
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port), "GREETING": "hello"}
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(program)], env=environment, stdout=subprocess.DEVNULL
    )
    until(lambda: bool(ask(f"http://127.0.0.1:{port}/", "")))
    found = time.monotonic() - start
    process.kill()
    process.wait()
    return round(found, 3)


def ask(url: str, host: str) -> str:
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    with (
        suppress(OSError, urllib.error.URLError),
        urllib.request.urlopen(request, timeout=2) as got,
    ):
        return str(got.read().decode())
    return ""


def connects(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def resident(pid: int) -> float:
    """Megabytes of memory of a process (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Any) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("it takes too long")
        time.sleep(POLL_SECONDS)


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    main()
