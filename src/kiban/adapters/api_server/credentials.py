"""Who is who: the administrator's token, service accounts' tokens, and the kubeconfig that holds
what kubectl needs."""

import base64
import hmac
import secrets
from pathlib import Path

from kiban.adapters.api_server.certificates import write_private
from kiban.cluster.api.calls import User
from kiban.cluster.authorization.rights import ADMINISTRATORS, ANONYMOUS
from kiban.primitives.canonical import yaml_text

ADMIN = User("kubernetes-admin", (ADMINISTRATORS, "system:authenticated"))
CONTEXT = "kiban"


def kept_token(path: Path) -> str:
    """The token in a file, made now if there is none; 0600."""
    if path.exists():
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(32)
    write_private(path, token.encode() + b"\n")
    return token


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
    """A kubeconfig with one context, readable by its owner only."""
    cluster: dict[str, str] = {"server": server}
    if authority is not None:
        cluster["certificate-authority-data"] = base64.b64encode(authority.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, yaml_text(config).encode())
