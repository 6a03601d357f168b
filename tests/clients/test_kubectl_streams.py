"""kubectl's streams, unmodified: exec, a terminal, cp, port-forward, attach, logs."""

import fcntl
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.clients.conftest import IMAGE, Running, deployment, pod, until

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


def test_exec_carries_both_outputs_and_the_exit_code(cluster: Running) -> None:
    done = cluster.run("exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout) == (7, "out\n")
    assert done.stderr == "err\ncommand terminated with exit code 7\n"


def test_exec_ends_its_input(cluster: Running) -> None:
    assert cluster.kubectl("exec", "-i", "web", "--", "cat", given="a\nb\n" * 50_000) == (
        "a\nb\n" * 50_000
    )


def test_exec_of_what_is_not_there_says_so(cluster: Running) -> None:
    done = cluster.run("exec", "web", "--", "no-such-program")
    assert done.returncode == 1
    assert 'exec: "no-such-program": executable file not found in $PATH' in done.stderr


OVER_SPDY = {
    "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false",
    "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false",
}


def test_a_kubectl_that_knows_only_spdy_runs_programs(cluster: Running) -> None:
    done = cluster.run(
        "exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 7", **OVER_SPDY
    )
    assert (done.returncode, done.stdout) == (7, "out\n")
    assert done.stderr == "err\ncommand terminated with exit code 7\n"
    much = "a\nb\n" * 200_000
    assert cluster.kubectl("exec", "-i", "web", "--", "cat", given=much, **OVER_SPDY) == much
    done = cluster.run("exec", "web", "--", "no-such-program", **OVER_SPDY)
    assert 'exec: "no-such-program": executable file not found in $PATH' in done.stderr


def test_a_kubectl_that_knows_only_spdy_has_a_terminal(cluster: Running) -> None:
    with terminal(cluster, "exec", "-it", "web", "--", "sh", **OVER_SPDY) as (process, screen):
        screen.type("stty size\n")
        screen.wait_for("40 100")
        screen.resize(50, 120)
        until(lambda: screen.types_until("stty size\n", "50 120"))
        screen.type("exit 3\n")
        assert process.wait(20) == 3


def test_a_kubectl_that_knows_only_spdy_copies_and_forwards(
    cluster: Running, tmp_path: Path
) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(2_000_000))
    place = cluster.kubectl("exec", "web", "--", "sh", "-c", "echo $HOME").strip()
    cluster.kubectl("cp", str(there), f"web:{place}/spdy", **OVER_SPDY)
    cluster.kubectl("cp", f"web:{place}/spdy", str(back), **OVER_SPDY)
    assert back.read_bytes() == there.read_bytes()
    with forwarded(cluster, "pod/web", 8080, **OVER_SPDY) as port:
        for path in ("/a", "/b"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                assert answer.read().decode() == f"you asked for {path}"


def test_exec_in_a_container_that_ended_says_so(cluster: Running) -> None:
    over = pod("over", command=["true"])
    over["spec"]["restartPolicy"] = "Never"
    cluster.apply(over)
    cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/over")
    done = cluster.run("exec", "over", "--", "true")
    assert done.returncode == 1
    assert "completed pod" in done.stderr


def test_a_terminal_has_a_size_job_control_and_an_exit_code(cluster: Running) -> None:
    with terminal(cluster, "exec", "-it", "web", "--", "sh") as (process, screen):
        screen.type("stty size\n")
        screen.wait_for("40 100")
        screen.type("sleep 611\n")
        until(lambda: cluster.process_names("sleep 611"))
        screen.type("\x03")
        until(lambda: not cluster.process_names("sleep 611"))
        screen.resize(50, 120)
        screen.type("stty size; stty size\n")
        until(lambda: screen.types_until("stty size\n", "50 120"))
        screen.type("exit 3\n")
        assert process.wait(20) == 3


def test_nothing_is_left_of_a_session_whose_client_is_killed(cluster: Running) -> None:
    with terminal(cluster, "exec", "-it", "web", "--", "bash") as (process, screen):
        screen.type("sleep 612 & setsid sleep 613 & sleep 614\n")
        until(lambda: len(cluster.process_names("sleep 61")) >= 3)
        process.kill()
        until(lambda: not cluster.process_names("sleep 61"))


def test_a_program_ends_with_its_pod(cluster: Running) -> None:
    cluster.apply(pod("short"))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/short")
    running = start(cluster, "exec", "short", "--", "sleep", "615")
    until(lambda: cluster.process_names("sleep 615"))
    cluster.kubectl("delete", "pod", "short")
    running.communicate(timeout=20)
    assert running.returncode == 137
    assert cluster.process_names("sleep 615") == []


def test_cp_copies_there_and_back(cluster: Running, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(2_000_000))
    place = cluster.kubectl("exec", "web", "--", "sh", "-c", "echo $HOME").strip()
    cluster.kubectl("cp", str(there), f"web:{place}/copied")
    cluster.kubectl("cp", f"web:{place}/copied", str(back))
    assert back.read_bytes() == there.read_bytes()


def test_port_forward_serves_many_connections(cluster: Running) -> None:
    with forwarded(cluster, "pod/web", 8080) as port:
        for path in ("/a", "/b"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                assert answer.read().decode() == f"you asked for {path}"


def test_port_forward_finds_the_pod_behind_a_service_and_a_deployment(cluster: Running) -> None:
    served = deployment("served", replicas=1)
    app = pod("served")["spec"]["containers"]
    served["spec"]["template"]["spec"] = {"containers": app, "terminationGracePeriodSeconds": 1}
    cluster.apply(served)
    cluster.kubectl("expose", "deployment", "served", "--port=80", "--target-port=8080")
    cluster.kubectl("rollout", "status", "deployment/served", "--timeout=20s")
    until(lambda: "ready" in cluster.kubectl("logs", "deployment/served"))
    for target, port in (("service/served", 80), ("deployment/served", 8080)):
        with (
            forwarded(cluster, target, port) as here,
            urllib.request.urlopen(f"http://127.0.0.1:{here}/x", timeout=10) as answer,
        ):
            assert answer.read() == b"you asked for /x"
    cluster.kubectl("delete", "deployment/served", "service/served")


def test_port_forward_carries_the_end_of_one_direction(cluster: Running) -> None:
    program = (
        "import os, socket\n"
        "s = socket.create_server((os.environ['HOST'], 8080))\n"
        "while True:\n"
        "    c, _ = s.accept(); n = 0\n"
        "    while d := c.recv(65536): n += len(d)\n"
        "    c.sendall(str(n).encode()); c.close()\n"
    )
    cluster.apply(pod("counter", command=["python", "-c", program]))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/counter")
    address = cluster.kubectl("get", "pod", "counter", "-o", "jsonpath={.status.podIP}")
    until(lambda: _listens(address, 8080))
    with (
        forwarded(cluster, "pod/counter", 8080) as port,
        closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection,
    ):
        connection.sendall(b"x" * 3_000_000)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b"3000000"
    cluster.kubectl("delete", "pod", "counter", "--wait=false")


def test_port_forward_says_that_nothing_listens(cluster: Running) -> None:
    forwarding = start(cluster, "port-forward", "pod/web", ":8099")
    try:
        port = _port(forwarding)
        with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
            assert connection.recv(10) == b""
        assert forwarding.wait(20) == 1
        assert forwarding.stderr is not None
        assert "unable to connect to port 8099 of the pod" in forwarding.stderr.read()
    finally:
        forwarding.kill()
        forwarding.communicate()


def test_attach_shows_what_is_said_from_now_on(cluster: Running) -> None:
    attached = start(cluster, "attach", "web")
    try:
        assert attached.stdout is not None
        said = attached.stdout.fileno()
        address = cluster.kubectl("get", "pod", "web", "-o", "jsonpath={.status.podIP}")

        def heard() -> bool:
            urllib.request.urlopen(f"http://{address}:8080/attached", timeout=10).close()
            ready = select.select([said], [], [], 0.1)[0]
            return bool(ready) and b"asked for /attached" in os.read(said, 4096)

        until(heard)
    finally:
        attached.kill()
        attached.communicate()


def test_run_gives_a_pod_its_input_and_takes_its_exit_code(cluster: Running) -> None:
    run = ("run", "fed", "-i", "--rm", "--restart=Never", f"--image={IMAGE}", "--command", "--")
    for environment in ({}, OVER_SPDY):
        done = cluster.run(*run, "sh", "-c", "cat; exit 3", given="hello\n", **environment)
        assert (done.returncode, done.stdout.splitlines()[0]) == (3, "hello")
        assert 'pod "fed" deleted' in done.stdout


def test_run_and_attach_with_a_terminal(cluster: Running) -> None:
    run = ("run", "shell", "-it", "--restart=Never", f"--image={IMAGE}", "--command", "--", "sh")
    with terminal(cluster, *run) as (process, screen):
        screen.type("stty size; tty\n")
        screen.wait_for("40 100")
        screen.wait_for("/dev/pts/")
        with terminal(cluster, "attach", "-it", "shell") as (_, other):
            # It hears what is said from when it is attached.
            until(lambda: screen.types_until("echo for $((1 + 1))\n", "") and other.shows("for 2"))
        assert process.poll() is None
    logged = cluster.kubectl("logs", "shell")
    assert "for 2" in logged
    cluster.kubectl("delete", "pod", "shell", "--now")


def test_attach_gives_input_to_a_program_that_runs(cluster: Running) -> None:
    reading = "while read line; do echo heard $line; done; echo over"
    fed = pod("reader", command=["sh", "-c", reading], stdin=True, stdinOnce=True)
    fed["spec"]["restartPolicy"] = "Never"
    cluster.apply(fed)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/reader", "--timeout=20s")
    said = cluster.kubectl("attach", "-i", "reader", given="one\ntwo\n")
    assert said.splitlines()[-3:] == ["heard one", "heard two", "over"]
    cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/reader")
    cluster.kubectl("delete", "pod", "reader", "--now")


def test_debug_looks_at_a_running_pod_and_at_a_copy(cluster: Running) -> None:
    cluster.apply(pod("looked-at"))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/looked-at", "--timeout=20s")
    debug = ("debug", "looked-at", f"--image={IMAGE}", "--profile=general")
    done = cluster.run(*debug, "-i", "-c", "lens", "--", "sh", given="echo seen\nexit 0\n")
    assert done.returncode == 0, done.stderr
    assert "seen" in cluster.kubectl("logs", "looked-at", "-c", "lens")
    shown = cluster.kubectl("describe", "pod", "looked-at")
    assert "Ephemeral Containers:" in shown
    cluster.kubectl(*debug, "--copy-to=copied", "-c", "lens", "--", "sleep", "30")
    cluster.kubectl("wait", "--for=condition=Ready", "pod/copied", "--timeout=20s")
    cluster.kubectl("debug", "node/web-1", f"--image={IMAGE}", "--profile=general", "--", "true")
    cluster.kubectl("delete", "pods", "--now", "--field-selector=metadata.name!=web")


def test_logs_of_many_containers_and_followed_to_their_end(cluster: Running) -> None:
    for name in ("many-a", "many-b"):
        two = pod(name, command=["sh", "-c", "echo first; sleep 0.5; echo last"], ports=[])
        two["metadata"]["labels"] = {"many": "yes"}
        two["spec"]["containers"].append({**two["spec"]["containers"][0], "name": "side"})
        two["spec"]["restartPolicy"] = "Never"
        cluster.apply(two)
    every = ("logs", "-l", "many=yes", "--all-containers")
    until(lambda: cluster.run("logs", "many-b", "-c", "side").returncode == 0)
    cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod", "-l", "many=yes")
    assert cluster.kubectl(*every).count("last\n") == 4
    marked = cluster.kubectl(*every, "--prefix", "--tail=1").splitlines()
    assert sorted(marked)[0] == "[pod/many-a/app] last" and len(marked) == 4
    followed = cluster.kubectl("logs", "-f", "many-a", "--all-containers", "--since=1h")
    assert followed.count("first\n") == 2
    refused = cluster.run("logs", "many-a", "-c", "nobody")
    assert "container nobody is not valid for pod many-a" in refused.stderr
    assert cluster.kubectl("logs", "many-a", "--limit-bytes=3").strip() == "fir"
    cluster.kubectl("delete", "pods", "-l", "many=yes", "--now")


def test_logs_of_the_attempt_before_with_times_and_since(cluster: Running) -> None:
    cluster.apply(pod("failing", command=["sh", "-c", "echo attempt; sleep 0.2; exit 1"]))
    until(lambda: cluster.run("logs", "failing", "--previous").returncode == 0)
    assert cluster.kubectl("logs", "failing", "--previous") == "attempt\n"
    (line,) = cluster.kubectl(
        "logs", "failing", "--previous", "--timestamps", "--since=1h", "--tail=1"
    ).splitlines()
    stamp, said = line.split(" ")
    assert stamp.endswith("Z") and said == "attempt"
    assert cluster.kubectl("logs", "-f", "failing", "--previous") == "attempt\n"
    assert cluster.kubectl("logs", "web", "--since-time=2100-01-01T00:00:00Z") == ""
    cluster.kubectl("delete", "pod", "failing", "--wait=false")


# Plumbing


class Screen:
    """The terminal in front of which the user sits."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def resize(self, height: int, width: int) -> None:
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def types_until(self, text: str, expected: str) -> bool:
        self.type(text)
        self._look(0.2)
        return expected in self.shown

    def shows(self, expected: str) -> bool:
        self._look(0.2)
        return expected in self.shown

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 20
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            self._look(0.2)

    def _look(self, seconds: float) -> None:
        if select.select([self._descriptor], [], [], seconds)[0]:
            self.shown += os.read(self._descriptor, 4096).decode(errors="replace")


@contextmanager
def terminal(
    cluster: Running, *words: str, **more: str
) -> Iterator[tuple["subprocess.Popen[bytes]", Screen]]:
    """kubectl in a terminal of 40 lines and 100 columns."""
    ours, theirs = pty.openpty()
    screen = Screen(ours)
    screen.resize(40, 100)
    process = subprocess.Popen(
        ["setsid", "--ctty", "kubectl", *words],
        env={**cluster.environment, **more},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        yield process, screen
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def start(cluster: Running, *words: str, **more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["kubectl", *words],
        env={**cluster.environment, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def forwarded(cluster: Running, target: str, port: int, **more: str) -> Iterator[int]:
    """A port of this machine that leads to a pod's."""
    process = start(cluster, "port-forward", target, f":{port}", **more)
    try:
        yield _port(process)
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def _port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    return int(line.split("->")[0].rpartition(":")[2])


def _listens(address: str, port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex((address, port)) == 0
