"""What `kiban cluster audit` and `kiban cluster user` do: who did what, and who may come in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kiban.adapters.api_server.authority import Authority
from kiban.adapters.api_server.certificates import server_identity
from kiban.adapters.api_server.credentials import certificate_user, kubeconfig, server_in
from kiban.adapters.api_server.driver import wall_clock
from kiban.adapters.audit_log import read_entries
from kiban.cluster.certificates import Subject
from kiban.primitives.instants import Instant, later
from kiban.wiring.cluster_command import kubeconfig_path, state_at
from kiban.wiring.places import AUDIT_FILE


def audited(directory: Path | None, seconds: float | None) -> Iterator[dict[str, Any]]:
    """The audit log's entries of the last seconds, or all there are. Raises `KibanError`."""
    since = Instant(0) if seconds is None else later(wall_clock(), -seconds)
    for entry in read_entries(state_at(directory).cluster / AUDIT_FILE, since):
        yield orjson.loads(entry)


@dataclass(frozen=True, slots=True)
class UserWish:
    """A user to be let in. `server` is where the API server is reached from; here unless told."""

    name: str
    groups: tuple[str, ...]
    seconds: float
    server: str = ""


def user_kubeconfig(directory: Path | None, wish: UserWish) -> str:
    """A kubeconfig for a user who is known by a certificate, which is made now. Raises
    `KibanError` when there is no cluster."""
    server = wish.server or server_in(kubeconfig_path(directory))
    identity = server_identity(state_at(directory).cluster / "pki")
    subject = Subject(wish.name, wish.groups)
    user = Authority(identity).issue(subject, int(wish.seconds), wall_clock())
    shown = certificate_user(user.certificate, user.key)
    return kubeconfig(server, identity.authority.read_bytes(), shown)
