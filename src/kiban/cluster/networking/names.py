"""What cluster DNS would answer, for a machine where nobody may configure DNS.

`rewrite` replaces the names of services (`points.shop.svc`, `points.shop.svc.cluster.local`)
in the environment, arguments and mounted texts of a container by addresses that work. A name
that DNS could not answer with one stable address (unknown, or headless) is left alone, so that
the program fails with the name that the user wrote.
"""

import re
from typing import Protocol

from kiban.cluster.networking.addresses import listening_port
from kiban.kube.objects import SERVICE, Key, Manifest, get_in

# Services that point at services that point at services: enough for anybody, and an end for loops.
MAX_EXTERNAL_NAMES = 8

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
# Not inside a longer name: `pod-0.db.shop.svc` and `db.shop.svc.example.com` are other names.
_NAME = re.compile(
    rf"(?P<scheme>https?://)?(?<![-.\w])(?P<name>{_LABEL})\.(?P<namespace>{_LABEL})\.svc(?:\.cluster\.local\.?)?"
    r"(?!\.?[-\w])(?::(?P<port>\d{1,5})(?!\d))?"
)
# Ports that a URL leaves out.
_SCHEME_PORTS = {"http://": 80, "https://": 443}


class Services(Protocol):
    """Whatever can find a Service by its key: a snapshot, or a view of one."""

    def get(self, key: Key) -> Manifest | None: ...


def resolve(
    host: str, port: int | None, services: Services, *, lowest_port: int = 0
) -> tuple[str, int | None] | None:
    """Where a service name leads: its cluster address or external name, and the port to use there
    (see `listening_port`).

    None when the host is not the name of a service with one stable address.
    """
    for _ in range(MAX_EXTERNAL_NAMES):
        match = _NAME.fullmatch(host)
        if match is None:
            return None
        service = services.get(_key(match))
        external = get_in(service, "spec", "externalName", default="")
        if service is None or get_in(service, "spec", "type") != "ExternalName":
            return _cluster_address(service, port and listening_port(port, lowest_port))
        if not _NAME.fullmatch(external):
            return (external, port) if external else None
        host = external
    return None


def rewrite(text: str, services: Services, *, lowest_port: int = 0) -> str:
    """The text with every service name in it, and its port, replaced by where it leads."""

    def replacement(match: re.Match[str]) -> str:
        scheme = match["scheme"] or ""
        implied = _SCHEME_PORTS.get(scheme) if lowest_port else None
        port = int(match["port"]) if match["port"] else implied
        name = match.group().removeprefix(scheme).removesuffix(f":{match['port']}")
        found = resolve(name, port, services, lowest_port=lowest_port)
        if found is None:
            return match.group()
        address, port = found
        return scheme + (address if port is None else f"{address}:{port}")

    return _NAME.sub(replacement, text) if ".svc" in text else text


def _key(match: re.Match[str]) -> Key:
    return Key(SERVICE.group, SERVICE.kind, match["namespace"], match["name"])


def _cluster_address(service: Manifest | None, port: int | None) -> tuple[str, int | None] | None:
    address = get_in(service, "spec", "clusterIP", default="")
    return (address, port) if address and address != "None" else None
