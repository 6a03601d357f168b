"""The process runtime: carries out what the kubelet asks, with real processes on this machine.

Every container is a session of its own with its own environment, its own log and the directory of
its image as working directory. Answers go to `post`; nothing here decides anything about pods.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiban.adapters.images import ImageRecord, ImageStore
from kiban.adapters.processes.commands import Launch, launch_of
from kiban.adapters.processes.consoles import Attachment, Console
from kiban.adapters.processes.exits import when_ended
from kiban.adapters.processes.grpc_health import ask_grpc
from kiban.adapters.processes.inputs import Input
from kiban.adapters.processes.logs import LogQuery, LogWriter, read_log
from kiban.adapters.processes.pod_directories import PodDirectories
from kiban.adapters.processes.probes import Answer, ask_http, ask_tcp
from kiban.adapters.processes.programs import Program
from kiban.adapters.processes.warden import Warden
from kiban.cluster.api.values import PodExec, PodLogs
from kiban.cluster.asks import (
    Ask,
    ContainerExited,
    ContainerId,
    ContainerStarted,
    HookFinished,
    ImageMissing,
    ImagePulled,
    ProbeAnswered,
    PullImage,
    RemovePod,
    Report,
    RunHook,
    RunProbe,
    SignalContainer,
    StartContainer,
    WriteFiles,
)
from kiban.cluster.usage.processes import Leader
from kiban.kube.objects import POD, Key
from kiban.primitives.instants import Instant, later

# What a shell says for a command that cannot be started, and runc for a container.
START_ERROR_CODE = 128
OUTPUT_LIMIT_BYTES = 10 * 1024


@dataclass(slots=True)
class _Running:
    """A container that has a process."""

    launch: Launch
    process: "subprocess.Popen[bytes]"
    log: LogWriter
    at: Instant
    console: Console


class ProcessRuntime:
    """Containers as process groups, under `state`."""

    def __init__(
        self, state: Path, images: ImageStore, clock: Callable[[], Instant], warden: Warden
    ) -> None:
        self.post: Callable[[Report], None] = lambda report: None
        self._images = images
        self._clock = clock
        self._warden = warden
        self._directories = PodDirectories(state)
        self._running: dict[ContainerId, _Running] = {}
        self._programs: dict[ContainerId, dict[Program, None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def carry_out(self, asks: Sequence[Ask]) -> None:
        """Carry out asks in order; what takes time goes on in the background."""
        for ask in asks:
            self._carry_out(ask)

    def _carry_out(self, ask: Ask) -> None:
        match ask:
            case PullImage():
                self._pull(ask)
            case StartContainer():
                self._start(ask)
            case SignalContainer():
                self._signal(ask)
            case RunProbe():
                self._spawn(self._run_probe(ask))
            case RunHook():
                self._spawn(self._run_hook(ask))
            case WriteFiles():
                self._directories.write_files(ask)
            case RemovePod():
                self._spawn(self._remove(ask))

    @property
    def pids(self) -> list[int]:
        """The processes of all containers that run."""
        return sorted(running.process.pid for running in self._running.values())

    @property
    def leaders(self) -> dict[ContainerId, Leader]:
        """The first process of every container that runs, and when it was started."""
        return {
            id: Leader(running.process.pid, running.at) for id, running in self._running.items()
        }

    def pid_of(self, namespace: str, pod: str, container: str) -> int | None:
        """The process of a container's newest attempt, while it runs."""
        try:
            id = self._running_id(Key(*POD, namespace, pod), container)
        except LookupError:
            return None
        return self._running[id].process.pid

    async def close(self) -> None:
        """Kill what still runs and wait until it is gone. Pods are ended in order before this."""
        for running in list(self._running.values()):
            with suppress(ProcessLookupError):
                os.killpg(running.process.pid, signal.SIGKILL)
        while self._running:
            await asyncio.sleep(0.01)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def logs(self, wish: PodLogs) -> AsyncIterator[bytes]:
        """The log of a container's last attempt, or of the one before it."""
        try:
            path = self._directories.log(
                wish.pod.namespace, wish.pod.name, wish.container, previous=wish.previous
            )
        except LookupError as error:
            yield f"unable to retrieve container logs: {error}\n".encode()
            return
        since = wish.since_time
        if wish.since_seconds is not None:
            since = later(self._clock(), -wish.since_seconds)
        query = LogQuery(wish.follow, wish.tail_lines, since, wish.timestamps, wish.limit_bytes)
        writers = (running.log for running in self._running.values() if running.log.path == path)
        async for piece in read_log(path, query, next(writers, None)):
            yield piece

    def run(self, wish: PodExec) -> Program:
        """A program in a running container's environment and directory, for whoever calls to end.
        Raises `LookupError` when the container does not run, `OSError` when the program cannot be
        started."""
        id = self._running_id(wish.pod, wish.container)
        program = Program(self._warden)
        where = f"{wish.pod.namespace}/{wish.pod.name}/{wish.container}"
        launch = self._running[id].launch.for_program(wish.command)
        program.start(launch, name=f"exec {where}", stdin=wish.stdin, tty=wish.tty)
        programs = self._programs.setdefault(id, {})
        programs[program] = None
        program.ended.add_done_callback(lambda _: programs.pop(program))
        return program

    def attach(self, wish: PodExec) -> Attachment:
        """An attachment to a running container, for whoever calls to end. Raises `LookupError`
        when it does not run."""
        return self._running[self._running_id(wish.pod, wish.container)].console.attach()

    def is_running(self, wish: PodExec) -> bool:
        """Whether the container has a process."""
        return self.pid_of(wish.pod.namespace, wish.pod.name, wish.container) is not None

    def _running_id(self, pod: Key, container: str) -> ContainerId:
        uid = self._directories.uid(pod.namespace, pod.name)
        ids = [id for id in self._running if (id.pod_uid, id.container) == (uid, container)]
        if not ids:
            raise LookupError(f"container {container} of pod {pod.name} is not running")
        return max(ids, key=lambda id: id.attempt)

    # Asks

    def _pull(self, ask: PullImage) -> None:
        record = self._images.find(ask.image)
        if record is None:
            message = f"image {ask.image} is not in the local store; build it with kiban build"
            self.post(ImageMissing(ask.pod_uid, ask.image, message))
        else:
            self.post(ImagePulled(ask.pod_uid, ask.image, record.digest))

    def _start(self, ask: StartContainer) -> None:
        record = self._images.find(ask.image)
        if record is None:
            self._failed(ask.id, f"the image {ask.image} left the store")
            return
        try:
            self._launch(ask, record)
        except OSError as error:
            self._failed(ask.id, _start_message(ask, error))
        except ValueError as error:
            self._failed(ask.id, f"the command or the environment cannot be passed on: {error}")

    def _launch(self, ask: StartContainer, record: ImageRecord) -> None:
        directory = self._directories.prepare(ask)
        launch = launch_of(ask, record, directory)
        if ask.tty:
            launch.check_found()
        log = LogWriter(self._directories.log_path(ask.id), self._clock, is_terminal=ask.tty)
        given = os.pipe() if ask.stdin and not ask.tty else None
        shown = launch.in_terminal() if ask.tty else launch
        plain = given[0] if given else subprocess.DEVNULL
        try:
            process = self._warden.start(
                shown.argv,
                shown.env,
                directory=launch.directory,
                output=log.input,
                name=f"{ask.namespace}/{ask.pod_name}/{ask.id.container}",
                input=log.input if ask.tty else plain,
            )
        except OSError:
            _close(given)
            raise
        finally:
            log.started()
        at = self._clock()
        console = _console(ask, log, given)
        log.hear = console.hear
        self._running[ask.id] = _Running(launch, process, log, at, console)
        when_ended(process, lambda code: self._ended(ask.id, code))
        self.post(ContainerStarted(ask.id, process.pid, at))

    def _failed(self, id: ContainerId, message: str) -> None:
        self.post(
            ContainerExited(
                id, START_ERROR_CODE, self._clock(), reason="StartError", message=message
            )
        )

    def _ended(self, id: ContainerId, code: int) -> None:
        running = self._running.pop(id)
        running.log.close()
        running.console.end()
        # Programs that were started beside it end with their container.
        for program in self._programs.pop(id, {}):
            program.kill()
        self._warden.left(running.process.pid)
        exit_code = code if code >= 0 else 128 - code
        self.post(ContainerExited(id, exit_code, self._clock(), signal=max(0, -code)))

    def _signal(self, ask: SignalContainer) -> None:
        running = self._running.get(ask.id)
        if running is not None and running.process.returncode is None:
            number = signal.SIGTERM if ask.signal == "TERM" else signal.SIGKILL
            with suppress(ProcessLookupError):
                os.killpg(running.process.pid, number)

    async def _run_probe(self, ask: RunProbe) -> None:
        answer = await self._within(ask)
        self.post(ProbeAnswered(ask.id, ask.probe, answer.success, answer.message, self._clock()))

    async def _run_hook(self, ask: RunHook) -> None:
        answer = await self._within(ask)
        self.post(HookFinished(ask.id, ask.hook, answer.success, answer.message, self._clock()))

    async def _within(self, ask: RunProbe | RunHook) -> Answer:
        """The handler's answer within its time."""
        try:
            async with asyncio.timeout(ask.timeout_seconds):
                return await self._handle(ask)
        except TimeoutError:
            return Answer(False, f"timed out after {ask.timeout_seconds:g}s")
        except (OSError, ValueError, LookupError, ArithmeticError) as error:
            # A handler that makes no sense fails like one that is not answered.
            return Answer(False, f"{type(error).__name__}: {error}")

    async def _handle(self, ask: RunProbe | RunHook) -> Answer:
        handler = ask.handler
        if "httpGet" in handler:
            return await ask_http(handler["httpGet"], ask.address)
        if "tcpSocket" in handler:
            return await ask_tcp(handler["tcpSocket"], ask.address)
        if "grpc" in handler:
            return await ask_grpc(handler["grpc"], ask.address)
        if "exec" in handler:
            return await self._run_program(ask.id, tuple(handler["exec"].get("command") or ()))
        if "sleep" in handler:
            await asyncio.sleep(float(handler["sleep"].get("seconds") or 0))
        return Answer(True)

    async def _run_program(self, id: ContainerId, argv: tuple[str, ...]) -> Answer:
        running = self._running.get(id)
        if running is None or not argv:
            return Answer(False, "the container does not run")
        launch = running.launch.for_program(argv)
        try:
            process = await asyncio.create_subprocess_exec(
                *launch.argv,
                env={**launch.env, **self._warden.environment()},
                cwd=launch.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return Answer(False, f"{argv[0]}: {error.strerror}")
        try:
            assert process.stdout is not None
            said = await process.stdout.read(OUTPUT_LIMIT_BYTES)
            code = await process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return Answer(code == 0, said.decode(errors="replace").strip())

    async def _remove(self, ask: RemovePod) -> None:
        """Forget a pod's directories; what it left in other groups is ended."""
        if sys.platform == "linux":
            await asyncio.to_thread(self._warden.strays, f"KIBAN_POD={ask.pod_uid}")
        await asyncio.to_thread(self._directories.remove, ask.pod_uid)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _console(ask: StartContainer, log: LogWriter, given: tuple[int, int] | None) -> Console:
    """What attachments see of a container that was started."""
    input = Input()
    if ask.tty and ask.stdin:
        input = Input(log.terminal(), is_terminal=True)
    elif given is not None:
        os.close(given[0])
        input = Input(given[1])
    return Console(input, once=ask.stdin_once)


def _close(pipe: tuple[int, int] | None) -> None:
    for descriptor in pipe or ():
        os.close(descriptor)


def _start_message(ask: StartContainer, error: OSError) -> str:
    program = (ask.command or ask.args or ("",))[0]
    # A directory of the PATH that may not be read is no reason of its own.
    if isinstance(error, FileNotFoundError | PermissionError) and not shutil.which(program):
        return f'exec: "{error.filename or program}": executable file not found in $PATH'
    return f'exec: "{error.filename or program}": {error.strerror}'
