"""Which of a Deployment's sets is the newest one, and the annotations that number them.

The newest set is the one with the Deployment's own template, whatever its number: this is how a
rollback finds the set it returns to. Source: pkg/controller/deployment/util/deployment_util.go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from kiban.cluster.controllers.deployment.wishes import max_surge, size_of
from kiban.cluster.controllers.pods import created_at
from kiban.kube.objects import Manifest, annotations_of

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
ROLLBACK = "deprecated.deployment.rollback.to"
LONGEST_HISTORY = 2000
NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        ROLLBACK,
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
    }
)


@dataclass(frozen=True, slots=True)
class Sets:
    """A Deployment's sets: the newest, if there is one, and the others, oldest first. `total` are
    the pods asked for by all together, `available` those of them that are."""

    new: Manifest | None
    old: Sequence[Manifest]
    all: Sequence[Manifest] = field(init=False)
    total: int = field(init=False)
    available: int = field(init=False)

    def __post_init__(self) -> None:
        every = [*self.old, self.new] if self.new is not None else list(self.old)
        object.__setattr__(self, "all", every)
        object.__setattr__(self, "total", sum(map(size_of, every)))
        object.__setattr__(self, "available", sum(map(available_of, every)))

    @property
    def active(self) -> list[Manifest]:
        """Those of a size above zero."""
        return [entry for entry in self.all if size_of(entry) > 0]

    @property
    def staying(self) -> int:
        """Those of them that stay: a set that was made smaller a moment ago still counts pods
        that it is about to delete."""
        return sum(min(available_of(entry), size_of(entry)) for entry in self.all)


def available_of(replica_set: Manifest) -> int:
    status = replica_set.get("status")
    return (status.get("availableReplicas") or 0) if status else 0


def sorted_sets(deployment: Manifest, replica_sets: Iterable[Manifest]) -> Sets:
    """The sets of a Deployment, told apart by its template."""
    by_age = list(replica_sets)
    if len(by_age) > 1:
        by_age.sort(key=oldest_first)
    template = _text_of_template(deployment)
    new = next((entry for entry in by_age if _text_of_template(entry) == template), None)
    return Sets(new, [entry for entry in by_age if entry is not new])


def oldest_first(manifest: Manifest) -> tuple[int, str]:
    return created_at(manifest), manifest["metadata"]["name"]


# Templates are never changed, and are compared at every look at a Deployment. They are known by
# identity; each is held, so that no other can take its place.
TEXTS_LIMIT = 8192
_TEXTS: dict[int, tuple[Manifest, bytes]] = {}


def _text_of_template(workload: Manifest) -> bytes:
    """The plain template in a form that is quickly compared."""
    template = workload["spec"]["template"]
    known = _TEXTS.get(id(template))
    if known is not None and known[0] is template:
        return known[1]
    text = orjson.dumps(plain_template(workload), option=orjson.OPT_SORT_KEYS)
    if len(_TEXTS) >= TEXTS_LIMIT:
        _TEXTS.clear()
    _TEXTS[id(template)] = (template, text)
    return text


def plain_template(workload: Manifest) -> Manifest:
    """The pod template without what the controller itself puts there."""
    template = dict(workload["spec"]["template"])
    metadata = {field: value for field, value in (template.get("metadata") or {}).items() if value}
    if labels := metadata.get("labels"):
        metadata["labels"] = {name: value for name, value in labels.items() if name != HASH_LABEL}
    template["metadata"] = metadata
    return template


def revision_of(manifest: Manifest) -> int:
    """The revision in the annotations; 0 when there is none."""
    try:
        return int(annotations_of(manifest).get(REVISION, "0"))
    except ValueError:
        return 0


def next_revision(old: Iterable[Manifest]) -> int:
    """The number of a set that comes after these."""
    return max((revision_of(entry) for entry in old), default=0) + 1


def size_annotations(deployment: Manifest) -> dict[str, str]:
    """What a set remembers about the size of its Deployment, for scaling in proportion."""
    size = size_of(deployment)
    return {DESIRED_REPLICAS: str(size), MAX_REPLICAS: str(size + max_surge(deployment))}


def copied_annotations(workload: Manifest) -> dict[str, str]:
    """The annotations that a Deployment hands down to its newest set, or takes back from one."""
    annotations = annotations_of(workload)
    return {name: value for name, value in annotations.items() if name not in NOT_COPIED}


def annotations_to_set(deployment: Manifest, sets: Sets) -> dict[str, Any]:
    """What the newest set's annotations lack; empty when they are as they have to be."""
    assert sets.new is not None
    present = annotations_of(sets.new)
    wanted = copied_annotations(deployment)
    revision = next_revision(sets.old)
    if revision_of(sets.new) < revision:
        wanted[REVISION] = str(revision)
        if REVISION in present:
            wanted[REVISION_HISTORY] = _history(present)
    return {name: value for name, value in wanted.items() if present.get(name) != value}


def _history(annotations: dict[str, str]) -> str:
    entries = [entry for entry in annotations.get(REVISION_HISTORY, "").split(",") if entry]
    entries.append(annotations[REVISION])
    while len(",".join(entries)) > LONGEST_HISTORY:
        del entries[0]
    return ",".join(entries)
