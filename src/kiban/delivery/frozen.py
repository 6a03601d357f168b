"""Fields that the API server refuses to change, found before anything is touched.

A Job is made anew, as nothing of it lasts. What else has such a field is left as it is until a
person says how: deleting it would end what it serves, or lose what it holds.
"""

from collections.abc import Iterable

from kiban.delivery.compare import as_stored, kind_info
from kiban.kube.defaults import default
from kiban.kube.objects import JOB, GroupKind, Manifest, key_of
from kiban.kube.ownership import WrongConfiguration, apply
from kiban.kube.schema import shape_of
from kiban.kube.validation import validate_update
from kiban.primitives.differences import Difference
from kiban.primitives.instants import Instant
from kiban.primitives.problems import Place, Problem

# What a sync makes anew when a field cannot be changed.
REPLACED_KINDS: frozenset[GroupKind] = frozenset({JOB})
_WORDS = (
    "immutable",
    "may not change",
    "cannot change",
    "updates to statefulset spec",
    "can not be unset",
)
# Of the kinds that change often, the fields that matter: the others need no look.
_SET_CHANGES = frozenset(
    {"replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
     "persistentVolumeClaimRetentionPolicy", "minReadySeconds"}
)  # fmt: skip

_ADVICE = {
    "Deployment": "Give it another name: the new one comes up first, and the old one goes after.",
    "DaemonSet": "Give it another name: the new one comes up first, and the old one goes after.",
    "StatefulSet": "Give it another name, or delete it by hand with --cascade=orphan: its pods "
    "and volumes stay, and the next sync makes it anew.",
    "PersistentVolumeClaim": "Claim another volume under another name, and move what it holds.",
    "ConfigMap": "Give it another name, and use that.",
    "Secret": "Give it another name, and use that.",
    "Service": "Give it another name, or delete it by hand: the next sync makes it anew.",
}
_OTHERWISE = "Undo this change, or delete the object by hand: the next sync makes it anew."


def may_be_frozen(kind: str, differences: Iterable[Difference]) -> bool:
    """Whether a change touches what could be fixed: a cheap look before the thorough one."""
    fields = [entry.path for entry in differences if entry.path[:1] != ("metadata",)]
    if kind in ("Deployment", "DaemonSet"):
        return any(path[:2] == ("spec", "selector") for path in fields)
    if kind == "StatefulSet":
        return any(path[1:2] and path[1] not in _SET_CHANGES for path in fields)
    return bool(fields)


def frozen_fields(live: Manifest, desired: Manifest) -> str:
    """Which fields of the live object could not become as desired; empty when there are none."""
    info = kind_info(desired)
    if info is None:
        return ""
    try:
        merged = apply(
            live, as_stored(desired), manager="kiban", shape=shape_of(info),
            now=Instant(0), force=True,
        ).manifest  # fmt: skip
    except WrongConfiguration:
        # The server says it better.
        return ""
    return frozen_between(live, merged)


def frozen_between(before: Manifest, after: Manifest) -> str:
    """The same for two whole objects, as in two revisions of a repository."""
    info = kind_info(after)
    if info is None:
        return ""
    faults = validate_update(default(before), default(after), info)
    found = [fault for fault in faults if any(word in fault.message for word in _WORDS)]
    # The message repeats the whole value, which may be long, or secret.
    texts = (f"{fault.field}: {fault.message.rpartition(': ')[2]}" for fault in found)
    return "; ".join(dict.fromkeys(texts))


def frozen_problem(desired: Manifest, fields: str) -> Problem | None:
    """What is wrong with wanting them changed; None where the object is simply made anew."""
    key = key_of(desired)
    if not fields or key.group_kind in REPLACED_KINDS:
        return None
    return Problem(
        "delivery/immutable",
        f"{key} cannot be changed: {fields}",
        Place(thing=str(key)),
        why="Kubernetes fixes these fields when the object is made. Nothing was touched.",
        fix=_ADVICE.get(key.kind, _OTHERWISE),
    )
