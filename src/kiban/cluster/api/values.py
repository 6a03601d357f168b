"""A request and its answer, as values: HTTP without a socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kiban.cluster.api.calls import User
from kiban.cluster.consulting import Consultation, Question
from kiban.kube.objects import Key
from kiban.primitives.instants import Instant

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent. Header names are in lower case; the query keeps its order, because
    `command` may come several times. Without credentials the user is the anonymous one. Without
    a consultation nobody outside is asked about a write."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    user: User
    consultation: Consultation | None = None

    def value(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    def values(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.query if key == name)

    def flag(self, name: str) -> bool:
        """A boolean parameter: present without a value is true, as Go's conversion has it."""
        found = next((value for key, value in self.query if key == name), None)
        return found is not None and found.lower() not in ("false", "0")


class Stream(Protocol):
    """An answer that goes on: the adapter pulls what is new and says what may be shown."""

    def pull(self, now: Instant, until: int) -> bytes:
        """The bytes to send now, made of writes up to a revision; empty when there is nothing."""
        ...

    def next_due(self) -> Instant | None:
        """When to pull although nothing changed."""
        ...

    @property
    def ended(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class PodLogs:
    """A wish to read a container's log; the adapter streams it."""

    pod: Key
    container: str
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since_seconds: float | None = None
    since_time: Instant | None = None


@dataclass(frozen=True, slots=True)
class PodExec:
    """A wish to run a command in a container, or to attach to it (no command)."""

    pod: Key
    container: str
    command: tuple[str, ...]
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True)
class PodPortForward:
    """A wish to reach ports of a pod."""

    pod: Key
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Proxied:
    """A wish to pass the request on, with what follows the first `depth` parts of its path."""

    scheme: str
    address: str
    port: int
    depth: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Consult:
    """A wish to have questions answered; the request is to be made again then, and has changed
    nothing so far."""

    questions: tuple[Question, ...]


Errand = PodLogs | PodExec | PodPortForward | Proxied | Consult


@dataclass(slots=True)
class Response:
    """The answer. `stream` or `errand` stand for a body that the adapter produces. It may leave
    the server once the journal holds `revision`."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    stream: Stream | None = None
    errand: Errand | None = None
    revision: int = 0
