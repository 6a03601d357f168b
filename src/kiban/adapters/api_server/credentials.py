"""Who is who: the administrator's token, clients' certificates, and the kubeconfigs that hold what
kubectl needs."""

import base64
import hmac
import secrets
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kiban.adapters.api_server.certificates import write_private
from kiban.cluster.api.calls import User
from kiban.cluster.authorization.rights import ADMINISTRATORS, ANONYMOUS, AUTHENTICATED
from kiban.primitives.canonical import yaml_text
from kiban.primitives.instants import Instant

ADMIN = User("kubernetes-admin", (ADMINISTRATORS, AUTHENTICATED))
CONTEXT = "kiban"


def kept_token(path: Path) -> str:
    """The token in a file, made now if there is none; 0600."""
    if path.exists():
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(32)
    write_private(path, token.encode() + b"\n")
    return token


def user_of_certificate(certificate: Mapping[str, Any], now: Instant) -> User | None:
    """Whom a client's certificate names, as `ssl` shows one that our authority signed; None when
    it has expired since the connection was made, or names nobody."""
    if ssl.cert_time_to_seconds(certificate["notAfter"]) * 1_000_000 < now:
        return None
    fields = [field for part in certificate.get("subject", ()) for field in part]
    name = next((value for key, value in reversed(fields) if key == "commonName"), "")
    groups = [value for key, value in fields if key == "organizationName"]
    return User(name, (*groups, AUTHENTICATED)) if name else None


class Authenticator:
    """From an Authorization header to a user; None when the credentials are wrong."""

    def __init__(self, admin_token: str) -> None:
        self._admin = f"Bearer {admin_token}".encode()

    def user_of(self, authorization: str | None) -> User | None:
        if not authorization:
            return ANONYMOUS
        if hmac.compare_digest(authorization.encode(), self._admin):
            return ADMIN
        return None


def write_kubeconfig(path: Path, server: str, token: str, authority: Path | None) -> None:
    """The administrator's kubeconfig, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = authority.read_bytes() if authority is not None else b""
    write_private(path, kubeconfig(server, pem, {"token": token}).encode())


def server_in(path: Path) -> str:
    """The server that a kubeconfig of ours leads to."""
    return str(yaml.safe_load(path.read_text())["clusters"][0]["cluster"]["server"])


def certificate_user(certificate: bytes, key: bytes) -> dict[str, str]:
    """A kubeconfig's user who shows a certificate."""
    data = {"client-certificate-data": certificate, "client-key-data": key}
    return {name: base64.b64encode(pem).decode() for name, pem in data.items()}


def kubeconfig(server: str, authority: bytes, user: Mapping[str, str]) -> str:
    """A kubeconfig with one context."""
    cluster = {"server": server}
    if authority:
        cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": dict(user)}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
    return yaml_text(config)
