"""What `kiban up` shows: a live tree of waves and services on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kiban.delivery.status import DeliveryStatus, ServiceStatus

if TYPE_CHECKING:
    from rich.console import Group
    from rich.tree import Tree

MARKS = {
    "Healthy": ("●", "green"),
    "Progressing": ("◐", "yellow"),
    "Degraded": ("✗", "red"),
    "Missing": ("○", "dim"),
    "Suspended": ("‖", "cyan"),
    "Unknown": ("?", "magenta"),
}
REFRESHES_PER_SECOND = 8


class Lines:
    """One line for every service whenever its state changes: for logs and for pipes."""

    def __init__(self, *, to_standard_output: bool = False) -> None:
        self._last: dict[str, str] = {}
        self._file = sys.stdout if to_standard_output else sys.stderr

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def say(self, line: str) -> None:
        print(line, file=self._file, flush=True)

    def show(self, statuses: Sequence[DeliveryStatus], gateway: str) -> None:
        for status in statuses:
            self._tell(status.subject, _headline(status))
            for problem in status.problems:
                self._tell(f"{status.subject} {problem.code} {problem.place}", str(problem))
            for service in status.services:
                note = f": {service.message}" if service.message else ""
                self._tell(
                    f"{status.subject} {service.name}",
                    f"  wave {service.wave}  {service.name:<12} {service.status}{note}",
                )

    def _tell(self, about: str, line: str) -> None:
        if self._last.get(about) != line:
            self._last[about] = line
            self.say(line)


class LiveTree:
    """The tree at the bottom of a terminal, redrawn as things change; lines scroll above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console()
        self._live = Live(console=self._console, refresh_per_second=REFRESHES_PER_SECOND)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def say(self, line: str) -> None:
        self._console.print(line, style="dim", highlight=False)

    def show(self, statuses: Sequence[DeliveryStatus], gateway: str) -> None:
        from rich.console import Group

        self._live.update(_page(statuses, gateway, Group))


def _page(statuses: Sequence[DeliveryStatus], gateway: str, group: "type[Group]") -> "Group":
    from rich.text import Text

    parts: list[object] = []
    for status in statuses:
        parts.append(_tree(status))
        parts += [Text(str(problem), style="red") for problem in status.problems]
        if status.is_ready:
            parts += [Text(f"  {url}", style="bold cyan") for url in _urls(status, gateway)]
    return group(*parts)  # type: ignore[arg-type]


def _tree(status: DeliveryStatus) -> "Tree":
    from rich.markup import escape
    from rich.tree import Tree

    tree = Tree(f"[bold]{escape(_headline(status))}[/]")
    for wave in sorted({service.wave for service in status.services}):
        branch = tree.add(f"[dim]wave {wave}[/]")
        for service in (found for found in status.services if found.wave == wave):
            mark, colour = MARKS.get(service.status, MARKS["Unknown"])
            branch.add(f"[{colour}]{mark}[/] {service.name} [dim]{escape(_note(service))}[/]")
    return tree


def _headline(status: DeliveryStatus) -> str:
    commit = status.commit
    at = f" at {commit.short} {commit.message.splitlines()[0]}" if commit and commit.message else ""
    return f"{status.subject}: {status.phase}{at}"


def _note(service: ServiceStatus) -> str:
    if service.status == "Healthy":
        return service.message
    said = service.message or service.status.lower()
    return f"{said}. {service.next}" if service.next else said


def _urls(status: DeliveryStatus, gateway: str) -> Iterable[str]:
    port = gateway.rpartition(":")[2]
    for found in status.addresses.values():
        for address in found:
            host, slash, path = address.partition("/")
            yield f"http://{host}:{port}{slash}{path}" if port else f"http://{address}"
