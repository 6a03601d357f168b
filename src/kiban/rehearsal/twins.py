"""Pods that are made from the template of one that was made before, without the long way.

The long way fills in a pod's defaults and asks the admissions. For the same template, in the same
namespace and under the same rules, what comes of both is the same but for the names that chance
gives; so all of it is shared with the first pod, which also saves memory. As elsewhere, a template
is known by its identity, for it is never changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kiban.cluster.admission.limit_ranges import LIMIT_RANGE
from kiban.cluster.admission.pods import PRIORITY_CLASS, TOKEN_VOLUME_PREFIX
from kiban.cluster.admission.runtime_classes import RUNTIME_CLASS
from kiban.cluster.api import metadata
from kiban.cluster.api.calls import Call
from kiban.cluster.store import Store
from kiban.kube.objects import NAMESPACE, POD, SERVICE_ACCOUNT, Key, Manifest

# Templates remembered; all are forgotten together.
TEMPLATES_LIMIT = 4096
# What admissions read besides the pod.
_READ_BY_ADMISSIONS = (NAMESPACE, SERVICE_ACCOUNT, PRIORITY_CLASS, LIMIT_RANGE, RUNTIME_CLASS)
_GIVEN = frozenset({"uid", "creationTimestamp", "resourceVersion", "generation"})


@dataclass(slots=True)
class _Known:
    """A template's spec, what was made of it, and what it was made by; `volume` is that of its
    token, whose name chance gave."""

    spec: Manifest
    made: Manifest
    rules: Sequence[int]
    volume: str


class Twins:
    """The pods of a store by their templates."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[int, _Known] = {}

    def learn(self, manifest: Manifest) -> None:
        """Remember what the long way has made of a pod just now."""
        made = self._store.get(_key(manifest))
        if made is None or not _only_named(manifest["metadata"], made["metadata"]):
            return
        if len(self._known) >= TEMPLATES_LIMIT:
            self._known.clear()
        spec = manifest["spec"]
        self._known[id(spec)] = _Known(spec, made, self._rules(), _token_volume(spec, made["spec"]))

    def made(self, manifest: Manifest, call: Call) -> Manifest | None:
        """The pod that the long way would store; None where its twin is not known."""
        spec, wanted = manifest["spec"], manifest["metadata"]
        known = self._known.get(id(spec))
        if (
            known is None
            or known.spec is not spec
            or wanted["namespace"] != known.made["metadata"]["namespace"]
            or wanted.get("annotations") != known.made["metadata"].get("annotations")
            or known.rules != self._rules()
            or self._store.get(_key(manifest)) is not None
        ):
            return None
        names = call.names(self._store.chance)
        counts = "generation" in known.made["metadata"]
        new = metadata.fresh(manifest, call, names, counts=counts)
        if known.volume:
            volume = TOKEN_VOLUME_PREFIX + names.suffix(5)
            new["spec"] = _renamed(known.made["spec"], known.volume, volume)
        else:
            new["spec"] = known.made["spec"]
        return {**known.made, **new}

    def _rules(self) -> list[int]:
        return [self._store.latest(kind) for kind in _READ_BY_ADMISSIONS]


def _key(manifest: Manifest) -> Key:
    wanted = manifest["metadata"]
    return Key(*POD, wanted["namespace"], wanted["name"])


def _only_named(wanted: dict[str, Any], made: dict[str, Any]) -> bool:
    """Whether nobody has added anything to the metadata but what every new object gets."""
    rest = {key: value for key, value in made.items() if key not in _GIVEN}
    return rest == {key: value for key, value in wanted.items() if value}


def _token_volume(spec: Manifest, made: Manifest) -> str:
    """The name of the volume that the pod got and its template has not."""
    own = [volume["name"] for volume in spec.get("volumes") or ()]
    for volume in made.get("volumes") or ():
        name: str = volume["name"]
        if name.startswith(TOKEN_VOLUME_PREFIX) and name not in own:
            return name
    return ""


def _renamed(spec: Manifest, before: str, after: str) -> Manifest:
    """The spec with another name for a volume and all its mounts."""

    def named(entries: list[Manifest]) -> list[Manifest]:
        return [{**entry, "name": after} if entry["name"] == before else entry for entry in entries]

    new = {**spec, "volumes": named(spec["volumes"])}
    for part in ("initContainers", "containers"):
        if part in spec:
            new[part] = [
                {**container, "volumeMounts": named(container["volumeMounts"])}
                if "volumeMounts" in container
                else container
                for container in spec[part]
            ]
    return new
