"""A real registry on this machine (Debian's package docker-registry), and images put into it by
the OCI distribution API."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PATIENCE_SECONDS = 30.0
CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, cache: {{blobdescriptor: inmemory}}}}
http: {{addr: "127.0.0.1:{port}"}}
{more}
"""
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class RealRegistry:
    """One that runs; its address is what the names of its images begin with."""

    address: str

    def push(self, name: str, tag: str, *, created: str = "2026-01-01T00:00:00Z") -> str:
        """Put an image without files under a tag; its digest."""
        config = json.dumps({"created": created, "architecture": "amd64", "os": "linux"}).encode()
        digest = self._blob(name, config)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest,
                "size": len(config),
            },
            "layers": [],
        }
        body = json.dumps(manifest).encode()
        self._send("PUT", f"/v2/{name}/manifests/{tag}", body, MANIFEST)
        return f"sha256:{hashlib.sha256(body).hexdigest()}"

    def _blob(self, name: str, body: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        place = self._send("POST", f"/v2/{name}/blobs/uploads/", b"")
        path = place.partition(self.address)[2] or place
        mark = "&" if "?" in path else "?"
        self._send("PUT", f"{path}{mark}digest={digest}", body, "application/octet-stream")
        return digest

    def _send(self, method: str, path: str, body: bytes, type_: str = "") -> str:
        request = urllib.request.Request(f"http://{self.address}{path}", body, method=method)
        if type_:
            request.add_header("Content-Type", type_)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.headers.get("Location", ""))


def run_registry(folder: Path, more: str = "") -> "tuple[subprocess.Popen[bytes], str]":
    """Start one, and wait until it answers."""
    if shutil.which("docker-registry") is None and not os.environ.get("CI"):
        pytest.skip("the package docker-registry is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "config.yml"
    config.write_text(CONFIG.format(root=folder / "data", port=port, more=more))
    process = subprocess.Popen(
        ["docker-registry", "serve", str(config)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=1).close()
        except urllib.error.HTTPError:
            break
        except OSError:
            assert process.poll() is None, "the registry ended"
            assert time.monotonic() < deadline, "the registry does not answer"
            time.sleep(0.05)
        else:
            break
    return process, f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    process, address = run_registry(tmp_path_factory.mktemp("registry"))
    yield RealRegistry(address)
    process.terminate()
    process.wait()
