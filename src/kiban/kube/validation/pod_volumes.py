"""Rules for the volumes of a pod: one source each, and what each source needs.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from collections.abc import Callable, Sequence
from typing import Any

from kiban.kube import formats
from kiban.kube.validation.claims import validate_claim_template
from kiban.kube.validation.environment import (
    VOLUME_PATHS,
    validate_field_reference,
    validate_resource_reference,
)
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    required,
    too_long,
    unsupported,
)
from kiban.kube.validation.paths import descending, file_mode, unreserved, without_steps_back
from kiban.kube.validation.projections import validate_projected
from kiban.primitives.quantities import parse_quantity

Value = dict[str, Any]

# The order in which sources are looked at: the first one is meant, the others are too many.
_ORDER = (
    "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret",
    "nfs", "iscsi", "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs",
    "quobyte", "downwardAPI", "fc", "flexVolume", "configMap", "azureFile", "vsphereVolume",
    "photonPersistentDisk", "portworxVolume", "azureDisk", "storageos", "projected", "scaleIO",
    "csi", "ephemeral", "image",
)  # fmt: skip
_SOURCES = frozenset(_ORDER)
# How two sources are called where the server misspells them.
_CALLED = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}
_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate",
    "Socket",
)  # fmt: skip
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def validate_volumes(volumes: Sequence[Value], field: str, pod_name: str) -> Faults:
    """`pod_name` is empty where the pod has no name yet."""
    faults: Faults = []
    names: set[str] = set()
    claims = {f"{pod_name}-{v.get('name')}" for v in volumes if v.get("ephemeral") and pod_name}
    for index, volume in enumerate(volumes):
        at = f"{field}[{index}]"
        name = volume.get("name", "")
        found = _sources(volume, at, pod_name)
        if not name:
            found.append(required(f"{at}.name"))
        else:
            found += all_invalid(f"{at}.name", name, formats.dns_label_faults(name))
        if name in names:
            found.append(duplicate(f"{at}.name", name))
        if not found:
            names.add(name)
        faults += found
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName", "")
        if claim in claims:
            detail = "must not reference a PVC that gets created for an ephemeral volume"
            faults.append(invalid(f"{at}.persistentVolumeClaim.claimName", claim, detail))
    return faults


def right_volumes(volumes: Sequence[Value], field: str, pod_name: str) -> dict[str, Value]:
    """The volumes that containers may name: those without faults of their own."""
    found: dict[str, Value] = {}
    for index, volume in enumerate(volumes):
        name = volume.get("name", "")
        if name in found or formats.dns_label_faults(name):
            continue
        if not _sources(volume, f"{field}[{index}]", pod_name):
            found[name] = volume
    return found


def _sources(volume: Value, field: str, pod_name: str) -> Faults:
    given = [name for name in volume if name in _SOURCES and volume[name] is not None]
    if len(given) > 1:
        given.sort(key=_ORDER.index)
    if not given:
        return [required(field, "must specify a volume type")]
    faults: Faults = []
    for position, name in enumerate(given):
        if position:
            at = f"{field}.{_CALLED.get(name, name)}"
            faults.append(forbidden(at, "may not specify more than 1 volume type"))
            continue
        check = _CHECKS.get(name)
        faults += check(volume[name], f"{field}.{name}") if check else []
        if name == "ephemeral" and pod_name and volume.get("name"):
            faults += _claim_name(f"{pod_name}-{volume['name']}", volume["name"], f"{field}.name")
    return faults


def _claim_name(claim: str, name: str, field: str) -> Faults:
    details = formats.dns_subdomain_faults(claim)
    return all_invalid(field, name, [f'PVC name "{claim}": {detail}' for detail in details])


def _needs(*names: str) -> Callable[[Value, str], Faults]:
    def check(source: Value, field: str) -> Faults:
        return [required(f"{field}.{name}") for name in names if not source.get(name)]

    return check


def _empty_dir(source: Value, field: str) -> Faults:
    limit = source.get("sizeLimit")
    if limit is not None and parse_quantity(limit) < 0:
        detail = "SizeLimit field must be a valid resource quantity"
        return [forbidden(f"{field}.sizeLimit", detail)]
    return []


def _host_path(source: Value, field: str) -> Faults:
    path, kind = source.get("path", ""), source.get("type")
    if not path:
        return [required(f"{field}.path")]
    faults = without_steps_back(path, f"{field}.path")
    if kind is not None and kind not in _HOST_PATH_TYPES:
        faults.append(unsupported(f"{field}.type", kind, _HOST_PATH_TYPES))
    return faults


def _git_repo(source: Value, field: str) -> Faults:
    faults: Faults = [] if source.get("repository") else [required(f"{field}.repository")]
    return faults + descending(source.get("directory", ""), f"{field}.directory")


def _keyed(name: str) -> Callable[[Value, str], Faults]:
    """A ConfigMap or a Secret, which is called by this name."""

    def check(source: Value, field: str) -> Faults:
        faults: Faults = [] if source.get(name) else [required(f"{field}.{name}")]
        faults += file_mode(source.get("defaultMode"), f"{field}.defaultMode")
        for index, item in enumerate(source.get("items") or ()):
            faults += key_to_path(item, f"{field}.items[{index}]")
        return faults

    return check


def key_to_path(item: Value, field: str) -> Faults:
    faults = _needs("key", "path")(item, field)
    faults += unreserved(item.get("path", ""), f"{field}.path")
    return faults + file_mode(item.get("mode"), f"{field}.mode")


def _nfs(source: Value, field: str) -> Faults:
    faults = _needs("server", "path")(source, field)
    path = source.get("path", "")
    if not path.startswith("/"):
        faults.append(invalid(f"{field}.path", path, "must be an absolute path"))
    return faults


def _disk(name: str) -> Callable[[Value, str], Faults]:
    def check(source: Value, field: str) -> Faults:
        faults = _needs(name)(source, field)
        partition = source.get("partition", 0)
        if not 0 <= partition <= 255:
            detail = "must be between 1 and 255, inclusive"
            faults.append(invalid(f"{field}.partition", partition, detail))
        return faults

    return check


def _downward(source: Value, field: str) -> Faults:
    faults = file_mode(source.get("defaultMode"), f"{field}.defaultMode")
    for item in source.get("items") or ():
        faults += downward_file(item, field)
    return faults


def downward_file(item: Value, field: str) -> Faults:
    """A file with a field of the pod; what is wrong is said of the whole volume."""
    faults: Faults = [] if item.get("path") else [required(f"{field}.path")]
    faults += unreserved(item.get("path", ""), f"{field}.path")
    of_pod, of_container = item.get("fieldRef"), item.get("resourceFieldRef")
    if of_pod is not None:
        faults += validate_field_reference(of_pod, f"{field}.fieldRef", VOLUME_PATHS)
        if of_container is not None:
            detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
            faults.append(invalid(field, "resource", detail))
    elif of_container is not None:
        at = f"{field}.resourceFieldRef"
        faults += validate_resource_reference(of_container, at, of_volume=True)
    else:
        faults.append(required(field, "one of fieldRef and resourceFieldRef is required"))
    return faults + file_mode(item.get("mode"), f"{field}.mode")


def _driver(source: Value, field: str) -> Faults:
    driver = source.get("driver", "")
    faults: Faults = []
    if not driver:
        faults.append(required(f"{field}.driver"))
    else:
        faults += csi_driver_faults(driver, f"{field}.driver")
    secret = source.get("nodePublishSecretRef")
    if secret is not None and not secret.get("name"):
        faults.append(required(f"{field}.nodePublishSecretRef.name"))
    return faults


def csi_driver_faults(driver: str, field: str) -> Faults:
    faults: Faults = [too_long(field, 63)] if len(driver) > 63 else []
    return faults + all_invalid(field, driver, formats.dns_subdomain_faults(driver.lower()))


def _ephemeral(source: Value, field: str) -> Faults:
    template = source.get("volumeClaimTemplate")
    if not template:
        return [required(f"{field}.volumeClaimTemplate")]
    return validate_claim_template(template, f"{field}.volumeClaimTemplate")


def _image(source: Value, field: str) -> Faults:
    faults: Faults = []
    if not source.get("reference"):
        faults.append(required(f"{field}.reference"))
    policy = source.get("pullPolicy")
    if policy and policy not in _PULL_POLICIES:
        faults.append(unsupported(f"{field}.pullPolicy", policy, _PULL_POLICIES))
    return faults


def _projected(source: Value, field: str) -> Faults:
    return validate_projected(source, field, key_to_path, downward_file)


_CHECKS: dict[str, Callable[[Value, str], Faults]] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "gitRepo": _git_repo,
    "gcePersistentDisk": _disk("pdName"),
    "awsElasticBlockStore": _disk("volumeID"),
    "secret": _keyed("secretName"),
    "nfs": _nfs,
    "iscsi": _needs("targetPortal", "iqn"),
    "glusterfs": _needs("endpoints", "path"),
    "persistentVolumeClaim": _needs("claimName"),
    "rbd": _needs("monitors", "image"),
    "cinder": _needs("volumeID"),
    "cephfs": _needs("monitors"),
    "downwardAPI": _downward,
    "flexVolume": _needs("driver"),
    "configMap": _keyed("name"),
    "azureFile": _needs("secretName", "shareName"),
    "vsphereVolume": _needs("volumePath"),
    "photonPersistentDisk": _needs("pdID"),
    "portworxVolume": _needs("volumeID"),
    "azureDisk": _needs("diskName", "diskURI"),
    "projected": _projected,
    "csi": _driver,
    "ephemeral": _ephemeral,
    "image": _image,
}
