"""What a pod can write to and the files it is given, and where its containers see them."""

import re
from typing import Any

from kiban.primitives.canonical import digest
from kiban.spec import ServiceSpec

# Kiban's own volumes; no team would choose these names.
TMP, FILES = "kiban-tmp", "kiban-files"
_NOT_IN_A_KEY = re.compile(r"[^-.A-Za-z0-9]")


def volumes(service: ServiceSpec) -> list[dict[str, Any]]:
    """A writable /tmp, because the root is read-only; the volumes; the files."""
    found: list[dict[str, Any]] = []
    if _needs_tmp(service):
        found.append({"name": TMP, "emptyDir": {}})
    for name, volume in sorted(service.volumes.items()):
        size = {"sizeLimit": volume.size} if volume.size else {}
        found.append({"name": name, "emptyDir": size})
    if service.files:
        items = []
        for path, file in sorted(service.files.items()):
            item: dict[str, Any] = {"key": file_key(path), "path": file_key(path)}
            if file.mode:
                item["mode"] = int(file.mode, 8)
            items.append(item)
        source = {"name": f"{service.service}-files", "items": items}
        found.append({"name": FILES, "configMap": source})
    return found


def mounts(service: ServiceSpec) -> list[dict[str, Any]]:
    """Where every container of the pod sees the volumes."""
    found: list[dict[str, Any]] = []
    if _needs_tmp(service):
        found.append({"name": TMP, "mountPath": "/tmp"})
    for name, volume in sorted(service.volumes.items()):
        found.append({"name": name, "mountPath": volume.path})
    for path in sorted(service.files):
        mount = {"name": FILES, "mountPath": path, "subPath": file_key(path), "readOnly": True}
        found.append(mount)
    return found


def _needs_tmp(service: ServiceSpec) -> bool:
    """Unless the service says how large its own is."""
    return all(volume.path != "/tmp" for volume in service.volumes.values())


def file_key(path: str) -> str:
    """A path as the key of a ConfigMap, which allows neither slashes nor much else. A digest keeps
    apart those that would look the same."""
    bare = path.removeprefix("/")
    key = _NOT_IN_A_KEY.sub("_", bare)
    return key if key == bare.replace("/", "_") and "_" not in bare else f"{key}-{digest(path, 4)}"
