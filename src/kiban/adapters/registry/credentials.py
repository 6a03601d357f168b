"""Who we are to a registry: what `docker login` has written, and its credential helpers, which
know how to log in to the clouds' registries."""

import base64
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

HELPER_SECONDS = 20.0
# Under which key Docker keeps what it knows of its own registry.
_DOCKER_HUB_KEYS = ("https://index.docker.io/v1/", "docker.io", "registry-1.docker.io")


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: str

    @property
    def basic(self) -> str:
        """The value of the header `Authorization`."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def credentials_of(host: str) -> Credentials | None:
    """What is known for a registry; None to ask without a name."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        config = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError):
        return None
    keys = _DOCKER_HUB_KEYS if "docker.io" in host else (host, f"https://{host}")
    helpers = config.get("credHelpers") or {}
    for key in keys:
        if name := helpers.get(key):
            return _from_helper(name, key)
        if auth := (config.get("auths") or {}).get(key, {}).get("auth"):
            user, _, password = base64.b64decode(auth).decode().partition(":")
            return Credentials(user, password)
    return _from_helper(config["credsStore"], keys[0]) if config.get("credsStore") else None


def _from_helper(name: str, key: str) -> Credentials | None:
    """What the program `docker-credential-NAME` says."""
    try:
        done = subprocess.run(
            [f"docker-credential-{name}", "get"],
            input=key, text=True, capture_output=True, timeout=HELPER_SECONDS, check=True,
        )  # fmt: skip
        found = json.loads(done.stdout)
        return Credentials(found["Username"], found["Secret"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None
