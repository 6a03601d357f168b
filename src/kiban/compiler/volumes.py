"""What a pod can write to and the files it is given, and where its containers see them."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from kiban.compiler.target import Target
from kiban.compiler.variables import plain_text
from kiban.primitives.canonical import digest
from kiban.spec import ServiceSpec
from kiban.spec.interpolation import filled
from kiban.spec.storage import File, Volume

# Kiban's own volumes; no team would choose these names.
TMP, FILES = "kiban-tmp", "kiban-files"
DISK_SIZE, SHARED_CLASS = "10Gi", "efs"
_NOT_IN_A_KEY = re.compile(r"[^-.A-Za-z0-9]")


def volumes(service: ServiceSpec) -> list[dict[str, Any]]:
    """A writable /tmp, because the root is read-only; the volumes; the files. Disks are not among
    them: each instance has its own, from a template."""
    found: list[dict[str, Any]] = []
    if _needs_tmp(service):
        found.append({"name": TMP, "emptyDir": {}})
    for name, volume in sorted(service.volumes.items()):
        if volume.type != "disk" or service.kind == "job":
            found.append({"name": name, **_source(service, name, volume)})
    written = {path: file for path, file in service.files.items() if file.secret is None}
    if written:
        items = [_item(path, file, file_key(path)) for path, file in sorted(written.items())]
        source = {"name": f"{service.service}-files", "items": items}
        found.append({"name": FILES, "configMap": source})
    for path, file in sorted(service.files.items()):
        if file.secret is not None:
            owner, _, key = file.secret.partition("/")
            secret = {"secretName": owner, "items": [_item(path, file, key)]}
            found.append({"name": secret_volume(path), "secret": secret})
    return found


def _source(service: ServiceSpec, name: str, volume: Volume) -> dict[str, Any]:
    if volume.type in ("shared", "disk"):
        return {"persistentVolumeClaim": {"claimName": f"{service.service}-{name}"}}
    medium = {"medium": "Memory"} if volume.type == "memory" else {}
    return {"emptyDir": medium | ({"sizeLimit": volume.size} if volume.size else {})}


def _item(path: str, file: File, key: str) -> dict[str, Any]:
    item: dict[str, Any] = {"key": key, "path": file_key(path)}
    if file.mode:
        item["mode"] = int(file.mode, 8)
    return item


def disks(service: ServiceSpec) -> dict[str, Volume]:
    """The volumes that are each instance's own and outlive it."""
    return {name: one for name, one in sorted(service.volumes.items()) if one.type == "disk"}


def claim(volume: Volume) -> dict[str, Any]:
    """What is asked of the storage class."""
    is_shared = volume.type == "shared"
    class_ = volume.storage_class or (SHARED_CLASS if is_shared else None)
    return {
        "accessModes": ["ReadWriteMany" if is_shared else "ReadWriteOnce"],
        **({"storageClassName": class_} if class_ else {}),
        "resources": {"requests": {"storage": volume.size or DISK_SIZE}},
    }


def mounts(service: ServiceSpec) -> list[dict[str, Any]]:
    """Where every container of the pod sees the volumes."""
    found: list[dict[str, Any]] = []
    if _needs_tmp(service):
        found.append({"name": TMP, "mountPath": "/tmp"})
    for name, volume in sorted(service.volumes.items()):
        read_only = {"readOnly": True} if volume.read_only else {}
        found.append({"name": name, "mountPath": volume.path, **read_only})
    for path, file in sorted(service.files.items()):
        name = FILES if file.secret is None else secret_volume(path)
        mount = {"name": name, "mountPath": path, "subPath": file_key(path), "readOnly": True}
        found.append(mount)
    return found


def expanded(target: Target, service: ServiceSpec) -> dict[str, File]:
    """The files of a service with what their texts mention filled in."""
    found = dict(service.files)
    for path, file in service.files.items():
        if file.expand and file.content:
            text = filled(file.content, partial(plain_text, target, service))
            found[path] = file.model_copy(update={"content": text})
    return found


def contents(files: Mapping[str, File]) -> dict[str, dict[str, str]]:
    """The parts of the ConfigMap that holds the files."""
    text = {file_key(path): one.content for path, one in sorted(files.items()) if one.content}
    data = {file_key(path): one.base64 for path, one in sorted(files.items()) if one.base64}
    for path, one in sorted(files.items()):
        if one.content == "" or (one.content is None and not one.base64 and one.secret is None):
            text[file_key(path)] = ""
    found: dict[str, dict[str, str]] = {}
    if text:
        found["data"] = {key: text[key] or "" for key in sorted(text)}
    if data:
        found["binaryData"] = {key: data[key] or "" for key in sorted(data)}
    return found


def secret_volume(path: str) -> str:
    return f"kiban-file-{digest(path, 4)}"


def _needs_tmp(service: ServiceSpec) -> bool:
    """Unless the service says how large its own is."""
    return all(volume.path != "/tmp" for volume in service.volumes.values())


def file_key(path: str) -> str:
    """A path as the key of a ConfigMap, which allows neither slashes nor much else. A digest keeps
    apart those that would look the same."""
    bare = path.removeprefix("/")
    key = _NOT_IN_A_KEY.sub("_", bare)
    return key if key == bare.replace("/", "_") and "_" not in bare else f"{key}-{digest(path, 4)}"
