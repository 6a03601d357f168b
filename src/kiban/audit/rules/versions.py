"""Versions of the API: whether the cluster that the manifests go to still understands them."""

from collections.abc import Iterator

from kiban.audit.api_versions import LIFETIMES, Lifetime, Version
from kiban.audit.findings import Said, Severity, rule
from kiban.audit.surroundings import version_of
from kiban.audit.view import View
from kiban.kube.facts import KUBERNETES_VERSION
from kiban.kube.objects import Key

_NEWEST = version_of(KUBERNETES_VERSION)


def _old(view: View) -> Iterator[tuple[Key, str, Lifetime, Version]]:
    """Objects of a version whose end is known. A live cluster converts what it is asked for, so
    that the version there is the one that was asked for."""
    target = view.around.version or _NEWEST or (0, 0)
    for key, manifest in view.by_key.items():
        version = manifest["apiVersion"]
        found = LIFETIMES.get((version, key.kind))
        if found is not None:
            yield key, version, found, target


@rule(
    Severity.ERROR,
    why="the API server no longer knows it: nothing is applied",
    fix="write the version that took its place",
    example="apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\n"
    "metadata: {name: old, namespace: shop}\nspec: {maxUnavailable: 1, selector: "
    "{matchLabels: {app: old}}}",
)
def api_removed(view: View) -> Iterator[Said]:
    for key, version, life, target in _old(view):
        if life.removed is not None and target >= life.removed:
            since = f" since {_shown(life.removed)}" if life.removed > (0, 0) else ""
            what = f"{version} {key.kind} is gone{since}; use {life.successor}"
            yield Said(key, "apiVersion", what)


@rule(
    Severity.WARNING,
    why="it will be gone in a later version, and the upgrade then waits for it",
    fix="write the version that took its place",
    example="apiVersion: v1\nkind: Endpoints\nmetadata: {name: other, namespace: shop}",
)
def api_deprecated(view: View) -> Iterator[Said]:
    for key, version, life, target in _old(view):
        gone = life.removed is not None and target >= life.removed
        if target >= life.deprecated and not gone:
            end = f", gone in {_shown(life.removed)}" if life.removed else ""
            what = f"{version} {key.kind} is deprecated{end}; use {life.successor}"
            yield Said(key, "apiVersion", what)


def _shown(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


RULES = (api_removed, api_deprecated)
