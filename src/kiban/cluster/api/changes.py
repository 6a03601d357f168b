"""What a change may be: whose state it was made from, which part it may touch, and whether it
counts as a change of what is wished.

Sources: k8s.io/apiserver/pkg/registry/rest/update.go and the strategies of the kinds.
"""

from kiban.cluster.api.failures import conflict, internal, invalid
from kiban.cluster.api.pod_parts import PARTS
from kiban.cluster.api.strategies import Strategy
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import NAMESPACE, Key, Manifest
from kiban.primitives.digits import whole_number


def check_precondition(info: KindInfo, key: Key, wished: Manifest, live: Manifest) -> None:
    asked, present = wished["metadata"], live["metadata"]
    uid = asked.get("uid")
    if uid and uid != present["uid"]:
        raise conflict(info, key.name, uid_differs(info, key, uid, present["uid"]))
    version = asked.get("resourceVersion")
    if not version:
        return
    if whole_number(version) is None:
        raise internal(f'strconv.ParseUint: parsing "{version}": invalid syntax')
    if version != present["resourceVersion"]:
        raise conflict(info, key.name)


def check_applied_identity(info: KindInfo, key: Key, config: Manifest, live: Manifest) -> None:
    asked = config.get("metadata") or {}
    uid = asked.get("uid")
    if uid and uid != live["metadata"]["uid"]:
        cause = {
            "reason": "FieldValueInvalid",
            "message": f'Invalid value: "{uid}": field is immutable',
            "field": "metadata.uid",
        }
        raise invalid(info, key.name, [cause, cause])
    version = asked.get("resourceVersion")
    if version and version != live["metadata"]["resourceVersion"]:
        raise conflict(info, key.name)


def uid_differs(info: KindInfo, key: Key, asked: str, present: str) -> str:
    """The storage layer's own words for a uid that is another object's."""
    where = f"{key.namespace}/{key.name}" if key.namespace else key.name
    place = f"{info.group}/{info.plural}" if "." in info.group else info.plural
    return (
        f"StorageError: invalid object, Code: 4, Key: /registry/{place}/{where}, "
        "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: "
        f"{asked}, UID in object meta: {present}"
    )


def without_status(manifest: Manifest, info: KindInfo, strategy: Strategy) -> Manifest:
    """What a client may create: a status of its own is not part of it."""
    if strategy.open_status or info.subresource("status") is None or "status" not in manifest:
        return manifest
    return {key: value for key, value in manifest.items() if key != "status"}


def changeable_part(
    new: Manifest, live: Manifest, info: KindInfo, strategy: Strategy, subresource: str
) -> Manifest:
    """What an end point may change: everything but the status, or nothing but it."""
    if subresource == "status":
        meta = new["metadata"]
        if strategy.status_keeps_metadata:
            # Who owns the status is told in the metadata, and is the one thing that moves on.
            meta = {**live["metadata"], "managedFields": meta.get("managedFields")}
        rest = {key: value for key, value in live.items() if key != "status"}
        status = {"status": new["status"]} if "status" in new else {}
        return {**rest, "metadata": meta, **status}
    if subresource in PARTS:
        return PARTS[subresource](info, new, live)
    if info.group_kind == NAMESPACE:
        return _namespace(new, live, subresource)
    if subresource or info.subresource("status") is None:
        return new
    if "status" in live:
        return {**new, "status": live["status"]}
    return {key: value for key, value in new.items() if key != "status"}


def _namespace(new: Manifest, live: Manifest, subresource: str) -> Manifest:
    """Only `finalize` changes what must be done before a namespace goes."""
    spec = new.get("spec") if subresource == "finalize" else live.get("spec")
    rest = {key: value for key, value in new.items() if key != "spec"}
    parts = {"spec": spec or {}, "status": live.get("status") or {}}
    return {**rest, **parts}


def raises_generation(new: Manifest, live: Manifest, strategy: Strategy, info: KindInfo) -> bool:
    """Whether a change raises the generation."""
    if strategy.generation_by_annotations and new["metadata"].get("annotations") != live[
        "metadata"
    ].get("annotations"):
        return True
    open_status = info.subresource("status") is None
    keys = [key for key in {**new, **live} if key not in ("metadata", "apiVersion", "kind")]
    return any(new.get(key) != live.get(key) for key in keys if open_status or key != "status")


def is_over(manifest: Manifest) -> bool:
    """Whether a deleting object without finalizers goes now; a pod within its grace stays, and a
    namespace that is not yet empty."""
    if manifest["kind"] == "Namespace" and (manifest.get("spec") or {}).get("finalizers"):
        return False
    return not manifest["metadata"].get("deletionGracePeriodSeconds")
