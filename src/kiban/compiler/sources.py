"""The objects of sources, marked as the platform's own, so that the same engine delivers, watches
and prunes them.

A source counts as a service of its name in the graph. Namespaces and definitions of kinds belong
to the environment itself, which comes first.
"""

from collections.abc import Iterable, Iterator, Mapping

from kiban.compiler.bundle import SERVICE_LABEL
from kiban.compiler.rendered import Rendered
from kiban.compiler.target import Target
from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import NAMESPACE, GroupKind, Manifest, get_in, key_of, labels_of
from kiban.primitives.problems import Place, Problem
from kiban.spec.sourcing import Source

DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
FIRST_KINDS = (NAMESPACE, DEFINITION)
# What only a running cluster can say about an object, as `kubectl get -o yaml` prints it.
_SERVER_FIELDS = (
    "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink",
)  # fmt: skip


def source_manifests(
    target: Target, rendered: Rendered, own: Iterable[Manifest], problems: list[Problem]
) -> Iterator[Manifest]:
    """Every object of every source. What the services or another source make as well is a
    problem."""
    taken = {key_of(manifest): "the services" for manifest in own}
    kinds = _cluster_scoped(rendered)
    for name, source in sources_of(target).items():
        if name in target.services:
            what = f"{name!r} is a service and a source"
            problems.append(Problem("spec/twice", what, _place(name), fix="rename one of them"))
        for manifest in rendered.sources.get(name, ()):
            placed = _placed(target, source, manifest, kinds)
            key = key_of(placed)
            if key in taken and taken[key] != name:
                what = f"{key} is made by {taken[key]} and by the source {name!r}"
                fix = "remove it from one of them"
                problems.append(Problem("compile/twice", what, _place(name), fix=fix))
            taken.setdefault(key, f"the source {name!r}")
            yield _marked(target, name, placed)


def sources_of(target: Target) -> Mapping[str, Source]:
    """The sources of an environment, by name."""
    declared = sorted(target.platform.spec.sources.items())
    found = {name: source.within(target.environment) for name, source in declared}
    return {name: source for name, source in found.items() if source is not None}


def source_needs(
    target: Target, rendered: Rendered, needs: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """The service graph with the sources in it; services wait for those that are `first`."""
    found = {name: frozenset[str]() for name in sources_of(target) if name in rendered.sources}
    first = frozenset(name for name in found if sources_of(target)[name].first)
    found = {name: needs_ if name in first else first for name, needs_ in found.items()}
    return dict(sorted({**found, **{name: wants | first for name, wants in needs.items()}}.items()))


def _placed(
    target: Target, source: Source, manifest: Manifest, clustered: frozenset[GroupKind]
) -> Manifest:
    """In a namespace if its kind lives in one, and without what only a cluster can say."""
    metadata = {
        key: value
        for key, value in manifest["metadata"].items()
        if value is not None and key not in _SERVER_FIELDS
    }
    if is_namespaced(manifest, clustered):
        metadata.setdefault("namespace", source.namespace or target.namespace)
    else:
        metadata.pop("namespace", None)
    return {**{k: v for k, v in manifest.items() if k != "status"}, "metadata": metadata}


def is_namespaced(manifest: Manifest, clustered: frozenset[GroupKind] = frozenset()) -> bool:
    """Objects of kinds that nobody defines are taken to live in namespaces."""
    info = standard_kinds().of_manifest(manifest)
    if info is not None:
        return info.namespaced
    return key_of(manifest).group_kind not in clustered


def _marked(target: Target, name: str, manifest: Manifest) -> Manifest:
    marks = target.ownership()
    if key_of(manifest).group_kind not in FIRST_KINDS:
        marks[SERVICE_LABEL] = name
    metadata = {**manifest["metadata"], "labels": {**labels_of(manifest), **marks}}
    return {**manifest, "metadata": metadata}


def _cluster_scoped(rendered: Rendered) -> frozenset[GroupKind]:
    """Kinds that the sources themselves define to live outside of namespaces."""
    return cluster_scoped(one for found in rendered.sources.values() for one in found)


def cluster_scoped(manifests: Iterable[Manifest]) -> frozenset[GroupKind]:
    """Kinds that these manifests define to live outside of namespaces."""
    return frozenset(
        GroupKind(
            str(get_in(one, "spec", "group", default="")),
            str(get_in(one, "spec", "names", "kind", default="")),
        )
        for one in manifests
        if key_of(one).group_kind == DEFINITION and get_in(one, "spec", "scope") == "Cluster"
    )


def _place(name: str) -> Place:
    return Place("platform.yaml", thing=f"source {name}")
