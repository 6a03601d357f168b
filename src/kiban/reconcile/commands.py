"""What a controller may ask for, as values: each is one request to an API server.

Commands are answered one by one and in order. A refusal does not stop the commands after it; the
controller finds it in `snapshot.refusals` when it is called again.
"""

from dataclasses import dataclass
from typing import Any, Literal

from kiban.kube.objects import Key, Manifest

Propagation = Literal["", "Background", "Foreground", "Orphan"]


@dataclass(frozen=True, slots=True)
class Create:
    """Create an object; `metadata.generateName` may stand for the name."""

    object: Manifest


@dataclass(frozen=True, slots=True)
class Update:
    """Replace an object, or one of its subresources (`status`).

    The object carries the resourceVersion it was made from, so that a change in between is
    refused as a conflict.
    """

    object: Manifest
    subresource: str = ""


@dataclass(slots=True)
class Patch:
    """Merge a patch (RFC 7386) into an object or one of its subresources.

    With `uid`, only if it is still the same object.
    """

    key: Key
    patch: dict[str, Any]
    subresource: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an object; without a policy or a grace period the server's rules decide."""

    key: Key
    uid: str = ""
    propagation: Propagation = ""
    grace_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Record an event about an object. Equal events are counted, not repeated.

    With `after_success`, only when the command before it was carried out.
    """

    about: Manifest
    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    after_success: bool = False


@dataclass(frozen=True, slots=True)
class Bind:
    """Assign a pod to a node."""

    pod: Key
    node: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Evict:
    """Ask for the deletion of a pod within its disruption budgets."""

    pod: Key
    grace_seconds: int | None = None


Command = Create | Update | Patch | Delete | Record | Bind | Evict


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that was not carried out: the API server's code, reason and message."""

    command: Command
    code: int
    reason: str
    message: str
    causes: tuple[str, ...] = ()
