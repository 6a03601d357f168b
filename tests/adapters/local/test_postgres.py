"""Real servers, started as a pod would start them."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from kiban.adapters.local import accounts
from kiban.adapters.local.foreground import Account

HOST = "127.15.0.1" if sys.platform == "linux" else "127.0.0.1"
PORT = 45432
PASSWORD = 'it\'s a \\ "secret"'
PATIENCE_SECONDS = 20.0


@contextmanager
def postgres(data: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "kiban.adapters.local.postgres"]
    command += ["--data", str(data), "--port", str(PORT)]
    given = {
        "HOST": HOST,
        "POSTGRES_USER": "app",
        "POSTGRES_PASSWORD": PASSWORD,
        "POSTGRES_DB": "game",
    }
    process = subprocess.Popen(
        command, env={**os.environ, **given, **environment}, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory; as root, pytest's directories are closed to others, and it moves."""
    yield tmp_path / "data"
    note = tmp_path / "data" / "moved-to"
    if note.exists():
        shutil.rmtree(note.read_text())


def connected(process: subprocess.Popen[bytes], password: str) -> psycopg.Connection:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return psycopg.connect(
                host=HOST, port=PORT, user="app", password=password, dbname="game"
            )
        except psycopg.OperationalError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.05)


def test_what_was_committed_is_there_after_a_restart_with_another_password(data: Path) -> None:
    with postgres(data) as process:
        with connected(process, PASSWORD) as connection:
            connection.execute("CREATE TABLE points (player text PRIMARY KEY, points int)")
            connection.execute("INSERT INTO points VALUES ('ada', 7)")
        idle = connected(process, PASSWORD)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0, "a client that stays does not hold it up"
        idle.close()

    with postgres(data, POSTGRES_PASSWORD="another") as process:
        with connected(process, "another") as connection:
            assert connection.execute("SELECT * FROM points").fetchall() == [("ada", 7)]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connected_once(PASSWORD)
        assert PASSWORD.encode() not in arguments_of_all_processes()


def connected_once(password: str) -> None:
    psycopg.connect(host=HOST, port=PORT, user="app", password=password, dbname="game")


def arguments_of_all_processes() -> bytes:
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True).stdout


def test_without_a_password_it_says_which_variable_is_missing(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "POSTGRES_PASSWORD"}
    done = subprocess.run(
        [sys.executable, "-m", "kiban.adapters.local.postgres", "--data", str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 4
    assert done.stderr.startswith(
        "The environment variable POSTGRES_PASSWORD is not set. [local/secret]"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
class TestAsRoot:
    @pytest.fixture
    def nobody(self) -> Account:
        account = accounts.account_for_postgres()
        assert account is not None
        return account

    def test_data_that_the_account_cannot_reach_is_put_where_it_can(
        self, tmp_path: Path, nobody: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(accounts, "ROOTS_DATA", Path(f"/var/tmp/kiban-test-{os.getpid()}"))
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        try:
            first = accounts.writable_directory(closed / "data", nobody)
            again = accounts.writable_directory(closed / "data", nobody)

            assert first == again
            assert first.parent == accounts.ROOTS_DATA
            assert (first.stat().st_uid, stat.S_IMODE(first.stat().st_mode)) == (nobody.uid, 0o700)

            (closed / "data" / "moved-to").unlink()
            second = accounts.writable_directory(closed / "data", nobody)
            assert second != first
            assert not first.exists(), "data without a directory is swept away"
        finally:
            subprocess.run(["rm", "-rf", str(accounts.ROOTS_DATA)], check=True)

    def test_a_wheel_that_the_account_cannot_read_is_copied_with_its_libraries(
        self, tmp_path: Path, nobody: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(accounts, "ROOTS_CACHE", Path(f"/var/tmp/kiban-test-{os.getpid()}"))
        site = tmp_path / "site"
        (site / "server").mkdir(parents=True)
        (site / "server.libs").mkdir()
        (site / "server" / "__init__.py").write_text("")
        (site / "server.libs" / "libx.so").write_text("")
        site.chmod(0o700)
        try:
            package = accounts.readable_package(site / "server", nobody)

            assert package != site / "server"
            assert (package / "__init__.py").exists()
            assert (package.parent / "server.libs" / "libx.so").exists()
            assert accounts.readable_package(site / "server", nobody) == package
        finally:
            subprocess.run(["rm", "-rf", str(accounts.ROOTS_CACHE)], check=True)
