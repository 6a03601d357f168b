"""What the server decides about an object's metadata, on creation and on every later write.

Source: k8s.io/apiserver/pkg/registry/rest/{create,update,meta}.go.
"""

from typing import Any

from kiban.cluster.api.calls import Call
from kiban.cluster.api.failures import bad_request, internal, invalid
from kiban.cluster.consulting import Names
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest
from kiban.primitives.instants import rfc3339

# A name may have 63 characters where it becomes a label; five are random.
LONGEST_GENERATED_BASE = 58
KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_NEVER_STORED = ("selfLink", "clusterName")
_SERVERS_OWN = (*KEPT, *_NEVER_STORED, "resourceVersion")


def placed(info: KindInfo, namespace: str, manifest: Manifest) -> Manifest:
    """The manifest with this namespace, or refused when it names another one."""
    metadata = manifest.get("metadata") or {}
    said = metadata.get("namespace") or ""
    if said and said != namespace:
        if info.namespaced:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the "
                "request"
            )
        metadata = {key: value for key, value in metadata.items() if key != "namespace"}
    if info.namespaced and not said:
        metadata = {**metadata, "namespace": namespace}
    return manifest if metadata is manifest.get("metadata") else {**manifest, "metadata": metadata}


def fresh(manifest: Manifest, call: Call, names: Names, *, counts: bool) -> Manifest:
    """The manifest with the metadata of a new object; its name is settled already."""
    metadata = manifest["metadata"]
    if metadata.get("resourceVersion"):
        raise internal("resourceVersion should not be set on objects to be created")
    kept = {key: value for key, value in metadata.items() if key not in _SERVERS_OWN and value}
    kept["uid"] = names.uid()
    kept["creationTimestamp"] = rfc3339(call.now)
    if counts:
        kept["generation"] = 1
    elif metadata.get("generation"):
        # Kinds that do not count leave alone what the client says.
        kept["generation"] = metadata["generation"]
    return {**manifest, "metadata": kept}


def carried(info: KindInfo, new: Manifest, live: Manifest) -> Manifest:
    """The new state with what only the server may change taken from the live object."""
    old: dict[str, Any] = live["metadata"]
    metadata = {
        key: value
        for key, value in new["metadata"].items()
        if key not in _NEVER_STORED and (value or key in KEPT)
    }
    for key in KEPT:
        if key in old:
            metadata[key] = old[key]
        else:
            metadata.pop(key, None)
    if not metadata.get("generateName") and old.get("generateName"):
        metadata["generateName"] = old["generateName"]
    metadata["resourceVersion"] = old["resourceVersion"]
    _check_finalizers(info, new, old)
    return {**new, "metadata": metadata}


def _check_finalizers(info: KindInfo, new: Manifest, old: dict[str, Any]) -> None:
    """Nothing new may hold back an object that is going."""
    if "deletionTimestamp" not in old:
        return
    present = old.get("finalizers") or ()
    added = [name for name in new["metadata"].get("finalizers") or () if name not in present]
    if added:
        listed = ", ".join(f'"{name}"' for name in added)
        cause = {
            "reason": "FieldValueForbidden",
            "message": "Forbidden: no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{listed}}}",
            "field": "metadata.finalizers",
        }
        # Both the general and the kind's own check find it, and say so.
        raise invalid(info, old["name"], [cause, cause])


def generated_name(base: str, names: Names) -> str:
    return base[:LONGEST_GENERATED_BASE] + names.suffix(5)
