"""Whether a manifest has the types that Kubernetes knows, and the manifest without what it drops.

Rules are asked only about manifests that have: they need not wonder what a list of containers is
when it is a text. What one kind of Kubernetes' own has that its schema lacks is said, too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kiban.audit.refusals import refusals, wrong_in_words
from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import GroupKind, Key, Manifest
from kiban.kube.schema import shape_of, shape_of_type
from kiban.kube.schema.reading import read

# Kinds that are served no more, whose fields are those of the kind that took their place.
_SUCCESSORS = {
    ("extensions", "Deployment"): "apps/v1",
    ("extensions", "DaemonSet"): "apps/v1",
    ("extensions", "ReplicaSet"): "apps/v1",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """The object, fields that its kind does not have, the first wrong type in words and where it
    is, and what else the API server would refuse, by place."""

    object: Manifest
    unknown: list[str] = field(default_factory=list)
    wrong: str = ""
    wrong_at: str = ""
    refused: tuple[tuple[str, str], ...] = ()


class Readings:
    """Remembers what was read: a manifest that is the very same object as the last time, of which
    nothing is ever changed, is not read again."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[Manifest, Reading]] = {}

    def of(self, manifests: Mapping[Key, Manifest]) -> dict[Key, Reading]:
        """Every manifest, read; only these are remembered."""
        before, self._known = self._known, {}
        for key, manifest in manifests.items():
            known = before.get(key)
            is_same = known is not None and known[0] is manifest
            self._known[key] = known if known and is_same else (manifest, _read(manifest))
        return {key: reading for key, (_, reading) in self._known.items()}


def read_all(manifests: Mapping[Key, Manifest]) -> dict[Key, Reading]:
    """Every manifest, read against its schema where there is one."""
    return {key: _read(manifest) for key, manifest in manifests.items()}


def _read(manifest: Manifest) -> Reading:
    kinds = standard_kinds()
    info = kinds.of_manifest(manifest)
    if info is not None and info.type_name:
        found = read(manifest, shape_of(info))
        where, wrong = wrong_in_words(found)
        refused = refusals(found.object, info) if not wrong else ()
        return Reading(found.object, found.unknown, wrong, where, refused)
    group, kind = manifest["apiVersion"].rpartition("/")[0], manifest["kind"]
    successor = _SUCCESSORS.get((group, kind)) or _newest(group, kind)
    if successor:
        info = kinds.of_manifest({"apiVersion": successor, "kind": kind})
        if info is not None and info.type_name:
            found = read(manifest, shape_of(info))
            # What an older version had besides is no mistake of its time.
            where, wrong = wrong_in_words(found)
            return Reading(found.object, [], wrong, where)
    said = _without_nulls(manifest)
    return Reading(said, wrong=_wrong(said))


def _newest(group: str, kind: str) -> str:
    """The version that is served today of a kind whose older version was written."""
    versions = standard_kinds().versions(GroupKind(group, kind))
    return f"{group}/{versions[0]}" if versions and group else ""


def _without_nulls(tree: Any) -> Any:
    """A null says as much as nothing."""
    if isinstance(tree, dict):
        return {key: _without_nulls(item) for key, item in tree.items() if item is not None}
    return [_without_nulls(item) for item in tree] if isinstance(tree, list) else tree


# The parts of others' kinds that rules look at, by path; `[]` stands for every item of a list.
_PARTS: dict[str, dict[str, type]] = {
    "EC2NodeClass": {
        "spec.metadataOptions": dict,
        "spec.metadataOptions.httpPutResponseHopLimit": int,
        "spec.amiSelectorTerms[]": dict,
    },
    "ClusterConfig": {
        "vpc.clusterEndpoints": dict,
        "vpc.publicAccessCIDRs[]": str,
        "vpc.subnets": dict,
        "vpc.subnets.private": dict,
        "vpc.subnets.public": dict,
        "cloudWatch.clusterLogging.enableTypes[]": str,
        "secretsEncryption": dict,
        "managedNodeGroups[]": dict,
        "nodeGroups[]": dict,
        "addons[]": dict,
        "autoModeConfig": dict,
    },
    "ServiceMonitor": {
        "spec.selector.matchLabels": dict,
        "spec.endpoints[]": dict,
        "spec.endpoints[].port": str,
    },
    "ScaledObject": {"spec.scaleTargetRef": dict, "spec.scaleTargetRef.name": str,
                     "spec.scaleTargetRef.kind": str, "spec.scaleTargetRef.apiVersion": str,
                     "spec.minReplicaCount": int, "spec.maxReplicaCount": int},
    "PodIdentityAssociation": {"spec.forProvider": dict},
    "HTTPRoute": {"spec.rules[]": dict, "spec.rules[].backendRefs[]": dict,
                  "spec.rules[].backendRefs[].name": str},
    "Gateway": {"spec.rules[]": dict},
    "Rollout": {"spec.replicas": int, "spec.selector": dict, "spec.strategy": dict},
}  # fmt: skip
_WORDS = {dict: "a map", list: "a list", str: "text", int: "a whole number"}
_POD_TEMPLATE = "io.k8s.api.core.v1.PodTemplateSpec"


def _wrong(manifest: Manifest) -> str:
    """The least that rules rely on, of kinds that nobody described."""
    metadata: Any = manifest["metadata"]
    for name in ("labels", "annotations"):
        texts = metadata.get(name)
        if not isinstance(texts, dict | None.__class__):
            return f"metadata.{name}: must be a map"
        if texts and not all(isinstance(one, str) for one in texts.values()):
            return f"metadata.{name}: values must be text"
    owners = metadata.get("ownerReferences")
    if not _is_list_of_maps(owners):
        return "metadata.ownerReferences: must be a list of maps"
    if "spec" in manifest and not isinstance(manifest["spec"], dict):
        return "spec: must be a map"
    if manifest["kind"] == "Rollout" and (template := manifest.get("spec", {}).get("template")):
        return read(template, shape_of_type(_POD_TEMPLATE)).wrong
    for path, kind in _PARTS.get(manifest["kind"], {}).items():
        if not all(isinstance(one, kind) for one in _values(manifest, path.split("."))):
            return f"{path}: must be {_WORDS[kind]}"
    return ""


def _is_list_of_maps(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and all(isinstance(one, dict) for one in value)
    )


def _values(tree: Any, steps: list[str]) -> Iterator[Any]:
    """What stands at a path, and what stands in the way of it; nothing where nobody says."""
    if not steps:
        yield tree
        return
    if not isinstance(tree, dict):
        yield None
        return
    name = steps[0].removesuffix("[]")
    if name not in tree:
        return
    if steps[0].endswith("[]"):
        items = tree[name]
        for item in items if isinstance(items, list) else [None]:
            yield from _values(item, steps[1:])
    else:
        yield from _values(tree[name], steps[1:])
