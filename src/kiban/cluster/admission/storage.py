"""What claims and volumes get besides their defaults: a source told in both of its fields, the
time of the phase; and which claims may grow.

Sources: kubernetes/plugin/pkg/admission/storage/persistentvolume/resize,
kubernetes/pkg/registry/core/{persistentvolume,persistentvolumeclaim}/strategy.go.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.standard_classes import STORAGE_CLASS_ANNOTATION
from kiban.cluster.api.failures import forbidden
from kiban.kube.objects import (
    PERSISTENT_VOLUME_CLAIM,
    STORAGE_CLASS,
    GroupKind,
    Key,
    Manifest,
    annotations_of,
    get_in,
    replaced,
)
from kiban.primitives.instants import rfc3339
from kiban.primitives.quantities import parse_quantity

PERSISTENT_VOLUME = GroupKind("", "PersistentVolume")
_SIZE = ("spec", "resources", "requests", "storage")
_COPIED_GROUPS = ("", "snapshot.storage.k8s.io")


def complete_claim_source(attempt: Attempt, claim: Manifest) -> Manifest:
    """`dataSource` and `dataSourceRef` say the same; the older field only knows two kinds."""
    spec = claim.get("spec") or {}
    if attempt.verb != "CREATE" or not ("dataSource" in spec or "dataSourceRef" in spec):
        return claim
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and not _is_known(source):
        source = None
    if reference is None:
        reference = source
    elif source is None and not reference.get("namespace"):
        source = reference
    rest = {key: value for key, value in spec.items() if not key.startswith("dataSource")}
    told = {"dataSource": source, "dataSourceRef": reference}
    said = {key: value for key, value in told.items() if value is not None}
    return {**claim, "spec": {**rest, **said}}


def _is_known(source: Manifest) -> bool:
    group, kind = source.get("apiGroup") or "", source.get("kind")
    return (group, kind) in (("", "PersistentVolumeClaim"), (_COPIED_GROUPS[1], "VolumeSnapshot"))


def time_volume_phase(attempt: Attempt, volume: Manifest) -> Manifest:
    """A volume tells since when it is in its phase."""
    path = ("status", "lastPhaseTransitionTime")
    if attempt.old is None:
        return replaced(volume, path, rfc3339(attempt.call.now))
    was, told = (get_in(attempt.old, "status", part) for part in ("phase", path[1]))
    if get_in(volume, "status", "phase") == was:
        return volume
    if get_in(volume, *path) not in (None, told):
        return volume
    return replaced(volume, path, rfc3339(attempt.call.now))


def review_growth(attempt: Attempt, claim: Manifest) -> None:
    """Only a bound claim grows, and only if its class says that it may."""
    if attempt.info.group_kind != PERSISTENT_VOLUME_CLAIM or attempt.old is None:
        return
    if attempt.verb != "UPDATE" or attempt.subresource:
        return
    before, after = (
        parse_quantity(get_in(manifest, *_SIZE, default="0")) for manifest in (attempt.old, claim)
    )
    if after <= before:
        return
    if get_in(attempt.old, "status", "phase") != "Bound":
        why = "Only bound persistent volume claims can be expanded"
        raise forbidden(attempt.info, attempt.name, why)
    if not _may_grow(attempt, claim):
        why = (
            "only dynamically provisioned pvc can be resized and the storageclass that provisions "
            "the pvc must support resize"
        )
        raise forbidden(attempt.info, attempt.name, why)


def _may_grow(attempt: Attempt, claim: Manifest) -> bool:
    name = annotations_of(claim).get(STORAGE_CLASS_ANNOTATION) or get_in(
        claim, "spec", "storageClassName"
    )
    found = attempt.store.get(Key(*STORAGE_CLASS, "", name)) if name else None
    return bool(found and found.get("allowVolumeExpansion"))
