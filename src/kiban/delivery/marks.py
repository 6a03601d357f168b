"""Whose an object is: the labels and annotations that delivery puts on what it applies.

Membership is written on the objects themselves, so the set to prune is found again without any
database. The commit is not among the marks, since it would make every object differ each time; it
is kept in the journal and in one ConfigMap per environment.
"""

from dataclasses import dataclass
from typing import Any

from kiban.compiler.bundle import (
    ENVIRONMENT_LABEL,
    KEPT_ANNOTATION,
    PLATFORM_LABEL,
    SERVICE_LABEL,
)
from kiban.kube.objects import (
    CONFIG_MAP,
    POD,
    GroupKind,
    Key,
    Manifest,
    annotations_of,
    controller_of,
    key_of,
    labels_of,
)
from kiban.primitives.canonical import digest
from kiban.primitives.problems import Place, Problem

FIELD_MANAGER = "kiban"
# The hash of the manifest that was applied last.
APPLIED_ANNOTATION = "kiban.dev/applied"
# On a Secret whose values were made by Kiban: no commit can bring them back.
GENERATED_ANNOTATION = "kiban.dev/generated"
# The name of a hook on the Job that runs it for one release; it goes when hooks are tidied.
HOOK_NAME_ANNOTATION = "kiban.dev/hook-name"
_NOT_PRUNED = frozenset((GENERATED_ANNOTATION, HOOK_NAME_ANNOTATION, KEPT_ANNOTATION))
RECORD_NAME = "kiban-delivery"

# What a commit alone never deletes, because what it holds is not in Git.
KEPT_KINDS = frozenset(
    {
        GroupKind("", "Namespace"),
        GroupKind("", "PersistentVolumeClaim"),
        GroupKind("", "PersistentVolume"),
        GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"),
    }
)


@dataclass(frozen=True, slots=True)
class Scope:
    """One environment of one platform on one cluster: what a delivery is responsible for.

    `formerly` are platform and environment under earlier names: what is labelled so is ours.
    """

    platform: str
    environment: str
    cluster: str
    namespace: str
    formerly: tuple[tuple[str, str], ...] = ()

    @property
    def subject(self) -> str:
        """`arcade/dev@local`: the name in plans and in the journal."""
        return f"{self.platform}/{self.environment}@{self.cluster}"

    @property
    def labels(self) -> dict[str, str]:
        return {PLATFORM_LABEL: self.platform, ENVIRONMENT_LABEL: self.environment}

    def owns(self, manifest: Manifest) -> bool:
        """Whether the object was delivered for this environment."""
        owner = owner_of(manifest)
        return owner == (self.platform, self.environment) or owner in self.formerly

    def may_prune(self, manifest: Manifest) -> bool:
        """Whether the object goes when Git no longer wants it.

        What a controller made carries the labels of its template; it goes with its owner.
        """
        return (
            self.owns(manifest)
            and controller_of(manifest) is None
            and key_of(manifest) != self.record_key
            and not annotations_of(manifest).keys() & _NOT_PRUNED
            and key_of(manifest).group_kind not in (POD, *KEPT_KINDS)
        )

    @property
    def record_key(self) -> Key:
        """The ConfigMap that says which commit was delivered."""
        return Key(CONFIG_MAP.group, CONFIG_MAP.kind, self.namespace, RECORD_NAME)


def owner_of(manifest: Manifest) -> tuple[str, str]:
    """The platform and environment that an object was delivered for; empty texts for none."""
    labels = labels_of(manifest)
    return labels.get(PLATFORM_LABEL, ""), labels.get(ENVIRONMENT_LABEL, "")


def service_of(manifest: Manifest) -> str:
    """The service an object belongs to, or an empty string for the environment itself."""
    return labels_of(manifest).get(SERVICE_LABEL, "")


def marked(manifest: Manifest, scope: Scope) -> Manifest:
    """The manifest as it is applied: with the labels of its owner and the hash of its content."""
    metadata: dict[str, Any] = {
        **manifest["metadata"],
        "labels": {**labels_of(manifest), **scope.labels},
    }
    metadata["annotations"] = {
        **annotations_of(manifest),
        APPLIED_ANNOTATION: digest({**manifest, "metadata": metadata}, 8),
    }
    return {**manifest, "metadata": metadata}


def claim_problem(manifest: Manifest, live: Manifest, scope: Scope) -> Problem | None:
    """What is wrong when the live object was delivered for somebody else."""
    platform, environment = owner_of(live)
    if not platform or scope.owns(live):
        return None
    other = f"{platform}/{environment}" if environment else platform
    return Problem(
        "delivery/owned-by-another",
        f"{key_of(manifest)} belongs to {other} and is not touched.",
        Place(thing=str(key_of(manifest))),
        why="Two environments that apply the same object would undo each other's work.",
        fix=f"Rename it, remove it from {other} first, or, if {other} is the earlier name of this "
        "environment, say so by `formerly` in platform.yaml.",
    )
