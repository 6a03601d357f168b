"""Real processes under a real driver: what a pod asks for is what its program gets."""

import asyncio
import os
import signal
from pathlib import Path

from tests.adapters.processes.stage import plain, pod, script, staged

from kiban.adapters.processes.programs import STDOUT
from kiban.cluster.api.values import PodExec, PodLogs
from kiban.kube.objects import Key
from kiban.reconcile.commands import Create, Delete


def key(name: str) -> Key:
    return Key("", "Pod", "default", name)


def test_a_pod_serves_is_probed_and_ends_in_order(tmp_path: Path) -> None:
    async def play() -> None:
        async with staged(tmp_path, 80) as stage:
            probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
            stage.do(Create(pod("p", {"readinessProbe": probe})))
            await stage.until(lambda: stage.is_ready("p"))
            address = stage.status("p")["podIP"]
            reader, writer = await asyncio.open_connection(address, 8080)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            assert (await reader.read()).endswith(b"hello")
            writer.close()
            stage.do(Delete(key("p")))
            await stage.until(lambda: stage.pod("p") is None)
            assert await stage.log("p") == f"listening on {address} 8080\ngot TERM\n"
            assert stage.runtime.pids == []

    asyncio.run(play())


def test_mounts_variables_and_claims_reach_the_program(tmp_path: Path) -> None:
    text = (
        "import os,sys; print(open(sys.argv[1]).read(), os.environ['TOKEN'], os.environ['POD']);"
        "open(os.environ['DATA'] + '/kept', 'a').write('x')"
    )
    container = {
        "command": ["python", "-c", text, "/etc/app/greeting"],
        "env": [
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "t"}}},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "DATA", "value": "/var/lib/data"},
        ],
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/app"},
            {"name": "data", "mountPath": "/var/lib/data"},
        ],
    }
    volumes = [
        {"name": "config", "configMap": {"name": "c"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "d"}},
    ]
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }

    async def play() -> None:
        async with staged(tmp_path, 81) as stage:
            stage.do(
                Create(plain("v1", "ConfigMap", "c", data={"greeting": "good day"})),
                Create(plain("v1", "Secret", "s", data={"t": "dG9rZW4="})),
                Create(plain("v1", "PersistentVolumeClaim", "d", spec=claim)),
                Create(pod("p", container, volumes=volumes, restartPolicy="Never")),
            )
            await stage.until(lambda: stage.status("p").get("phase") == "Succeeded")
            assert await stage.log("p") == "good day token p\n"
            stage.do(Delete(key("p")))
            await stage.until(lambda: stage.pod("p") is None)
            assert (tmp_path / "claims" / "default" / "d" / "kept").read_text() == "x"

    asyncio.run(play())


def test_a_killed_program_is_started_again_and_its_log_kept(tmp_path: Path) -> None:
    async def play() -> None:
        async with staged(tmp_path, 82) as stage:
            stage.do(Create(pod("p", script("import time; print('here'); time.sleep(600)"))))
            await stage.until(lambda: stage.is_ready("p"))
            (pid,) = stage.runtime.pids
            while await stage.log("p") != "here\n":
                await asyncio.sleep(0.01)
            os.kill(pid, signal.SIGKILL)
            await stage.until(
                lambda: (
                    stage.is_ready("p")
                    and stage.status("p")["containerStatuses"][0]["restartCount"] == 1
                )
            )
            ended = stage.status("p")["containerStatuses"][0]["lastState"]["terminated"]
            assert (ended["exitCode"], ended["signal"], ended["reason"]) == (137, 9, "Error")
            assert await stage.log("p", previous=True) == "here\n"

    asyncio.run(play())


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    async def play() -> None:
        async with staged(tmp_path, 83) as stage:
            stage.do(Create(pod("p", {"command": ["no-such-program"]}, restartPolicy="Never")))
            await stage.until(lambda: stage.status("p").get("phase") == "Failed")
            ended = stage.status("p")["containerStatuses"][0]["state"]["terminated"]
            assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
            assert ended["message"] == (
                'exec: "no-such-program": executable file not found in $PATH'
            )

    asyncio.run(play())


def test_an_environment_that_no_system_takes_is_said(tmp_path: Path) -> None:
    async def play() -> None:
        async with staged(tmp_path, 89) as stage:
            env = [{"name": "BAD", "value": "a\0b"}]
            stage.do(Create(pod("p", {"env": env}, restartPolicy="Never")))
            await stage.until(lambda: stage.status("p").get("phase") == "Failed")
            ended = stage.status("p")["containerStatuses"][0]["state"]["terminated"]
            assert ended["reason"] == "StartError"
            assert "cannot be passed on" in ended["message"]

    asyncio.run(play())


def test_probes_and_hooks_run_in_the_containers_place(tmp_path: Path) -> None:
    hook = {"exec": {"command": ["sh", "-c", "echo bye > $TMPDIR/hook"]}}
    probe = {
        "exec": {"command": ["sh", "-c", 'test "$COLOUR" = blue && test -f app.py']},
        "periodSeconds": 1,
        "timeoutSeconds": 5,
    }
    container = {
        "env": [{"name": "COLOUR", "value": "blue"}],
        "readinessProbe": probe,
        "lifecycle": {"preStop": hook},
    }

    async def play() -> None:
        async with staged(tmp_path, 84) as stage:
            stage.do(Create(pod("p", container)))
            await stage.until(lambda: stage.is_ready("p"))
            program = stage.runtime.run(
                PodExec(key("p"), "app", ("sh", "-c", "echo $COLOUR"), stdout=True)
            )
            assert await program.read(STDOUT) == b"blue\n"
            assert await program.ended == 0
            await program.end()
            stage.do(Delete(key("p")))
            await stage.until(lambda: stage.pod("p") is None)
            (said,) = tmp_path.glob("pods/*/app/tmp/hook")
            assert said.read_text() == "bye\n"

    asyncio.run(play())


def test_a_followed_log_ends_with_its_container(tmp_path: Path) -> None:
    text = "import time\nfor i in range(5): print('line', i); time.sleep(0.05)"

    async def play() -> None:
        async with staged(tmp_path, 85) as stage:
            stage.do(Create(pod("p", script(text), restartPolicy="Never")))
            await stage.until(lambda: stage.runtime.pids)
            wish = PodLogs(key("p"), "app", follow=True)
            pieces = [piece async for piece in stage.runtime.logs(wish)]
            assert b"".join(pieces).decode().splitlines() == [f"line {i}" for i in range(5)]

    asyncio.run(play())


def test_a_shutdown_gives_programs_their_grace_and_a_start_brings_them_back(
    tmp_path: Path,
) -> None:
    async def first() -> None:
        async with staged(tmp_path, 86) as stage:
            probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
            stage.do(Create(pod("p", {"readinessProbe": probe})))
            await stage.until(lambda: stage.is_ready("p"))
        assert (await stage.log("p")).endswith("got TERM\n")
        assert stage.runtime.pids == []

    async def second() -> None:
        async with staged(tmp_path, 86) as stage:
            await stage.until(
                lambda: (
                    stage.is_ready("p")
                    and stage.status("p")["containerStatuses"][0]["restartCount"] == 1
                )
            )

    asyncio.run(first())
    asyncio.run(second())
