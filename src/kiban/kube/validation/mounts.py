"""Rules for what a container mounts, and for the devices it uses.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from collections.abc import Mapping
from typing import Any

from kiban.kube.validation.faults import (
    Faults,
    forbidden,
    invalid,
    not_found,
    required,
    unsupported,
)
from kiban.kube.validation.paths import descending

Value = dict[str, Any]
Volumes = Mapping[str, Value]

_PROPAGATION = ("Bidirectional", "HostToContainer", "None")
_READ_ONLY = ("Disabled", "Enabled", "IfPossible")


def validate_mounts(container: Value, field: str, volumes: Volumes) -> Faults:
    mounts = container.get("volumeMounts") or ()
    devices = container.get("volumeDevices") or ()
    at = f"{field}.volumeMounts"
    faults: Faults = []
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        faults += _mount(mount, f"{at}[{index}]", volumes, paths)
        paths.add(mount.get("mountPath", ""))
        faults += _clashes(mount, f"{at}[{index}]", devices)
        # What is wrong with these is said of all mounts, not of one.
        faults += _details(mount, at, f"{at}[{index}]", container)
    return faults + _devices(devices, f"{field}.volumeDevices", volumes, mounts)


def _mount(mount: Value, field: str, volumes: Volumes, paths: set[str]) -> Faults:
    name, path = mount.get("name", ""), mount.get("mountPath", "")
    faults: Faults = []
    if not name:
        faults.append(required(f"{field}.name"))
    if name not in volumes:
        faults.append(not_found(f"{field}.name", name))
    if not path:
        faults.append(required(f"{field}.mountPath"))
    if path in paths:
        faults.append(invalid(f"{field}.mountPath", path, "must be unique"))
    return faults


def _clashes(mount: Value, field: str, devices: Any) -> Faults:
    faults: Faults = []
    name, path = mount.get("name", ""), mount.get("mountPath", "")
    if any(device.get("name", "") == name for device in devices):
        faults.append(invalid(f"{field}.name", name, "must not already exist in volumeDevices"))
    if any(device.get("devicePath", "") == path for device in devices):
        detail = "must not already exist as a path in volumeDevices"
        faults.append(invalid(f"{field}.mountPath", path, detail))
    return faults


def _details(mount: Value, field: str, own: str, container: Value) -> Faults:
    inner, pattern = mount.get("subPath", ""), mount.get("subPathExpr", "")
    faults = descending(inner, f"{field}.subPath") if inner else []
    if pattern:
        if inner:
            detail = "subPathExpr and subPath are mutually exclusive"
            faults.append(invalid(f"{own}.subPathExpr", pattern, detail))
        faults += descending(pattern, f"{field}.subPathExpr")
    spread = mount.get("mountPropagation")
    if spread is not None:
        faults += _propagation(spread, f"{field}.mountPropagation", container)
    return faults + _recursive(mount, f"{field}.recursiveReadOnly")


def _propagation(mode: str, field: str, container: Value) -> Faults:
    if mode not in _PROPAGATION:
        return [unsupported(field, mode, _PROPAGATION)]
    privileged = (container.get("securityContext") or {}).get("privileged")
    if mode == "Bidirectional" and not privileged:
        detail = "Bidirectional mount propagation is available only to privileged containers"
        return [forbidden(field, detail)]
    return []


def _recursive(mount: Value, field: str) -> Faults:
    mode = mount.get("recursiveReadOnly")
    if mode is None or mode == "Disabled":
        return []
    if mode not in _READ_ONLY:
        return [unsupported(field, mode, _READ_ONLY)]
    faults: Faults = []
    if not mount.get("readOnly"):
        faults.append(forbidden(field, "may only be specified when readOnly is true"))
    if mount.get("mountPropagation", "None") != "None":
        detail = "may only be specified when mountPropagation is None or not specified"
        faults.append(forbidden(field, detail))
    return faults


def _devices(devices: Any, field: str, volumes: Volumes, mounts: Any) -> Faults:
    faults: Faults = []
    names: set[str] = set()
    paths: set[str] = set()
    for index, device in enumerate(devices):
        at = f"{field}[{index}]"
        name, path = device.get("name", ""), device.get("devicePath", "")
        faults += _device_name(name, at, volumes, names)
        if not path:
            faults.append(required(f"{at}.devicePath"))
        if path in paths:
            faults.append(invalid(f"{at}.devicePath", path, "must be unique"))
        if ".." in path.split("/"):
            detail = "can not contain backsteps ('..')"
            faults.append(invalid(f"{at}.devicePath", path, detail))
        else:
            paths.add(path)
        if any(mount.get("name", "") == name for mount in mounts):
            faults.append(invalid(f"{at}.name", name, "must not already exist in volumeMounts"))
        if any(mount.get("mountPath", "") == path for mount in mounts):
            detail = "must not already exist as a path in volumeMounts"
            faults.append(invalid(f"{at}.devicePath", path, detail))
        names.add(name)
    return faults


def _device_name(name: str, field: str, volumes: Volumes, names: set[str]) -> Faults:
    faults: Faults = []
    if not name:
        faults.append(required(f"{field}.name"))
    elif name in names:
        faults.append(invalid(f"{field}.name", name, "must be unique"))
    volume = volumes.get(name)
    if volume is None:
        faults.append(not_found(f"{field}.name", name))
    elif volume.get("persistentVolumeClaim") is None and volume.get("ephemeral") is None:
        detail = (
            "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
        )
        faults.append(invalid(f"{field}.name", name, detail))
    return faults
