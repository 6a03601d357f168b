"""What is rehearsed: manifests, with the machines and the secrets that they count on."""

from collections.abc import Iterable
from dataclasses import dataclass

from kiban.cluster.nodes import NodeGroup
from kiban.compiler.bundle import HOOK_ANNOTATION, Bundle, SecretNeed
from kiban.kube.objects import Manifest, annotations_of
from kiban.rehearsal.naming import service_of, services_of

# Enough for plain manifests that come without any word on machines.
DEFAULT_GROUPS = (
    NodeGroup(
        "base", "m5.xlarge", ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"), count=3
    ),
)


@dataclass(frozen=True, slots=True)
class Source:
    """Manifests in the order in which they are created."""

    manifests: tuple[Manifest, ...]
    namespace: str
    services: tuple[str, ...]
    unrouted: frozenset[str]
    groups: tuple[NodeGroup, ...]
    bundle: Bundle | None = None


def source_of(given: Bundle | Iterable[Manifest]) -> Source:
    """A compiled environment, or manifests from anywhere."""
    if isinstance(given, Bundle):
        # Hooks are delivery's to run, once for each release.
        manifests = tuple(
            one for one in given.manifests if HOOK_ANNOTATION not in annotations_of(one)
        )
        namespace, groups = given.namespace, groups_of(given)
        secrets = [_secret(need) for need in given.secrets]
        bundle: Bundle | None = given
    else:
        manifests, secrets, bundle = tuple(given), [], None
        namespace, groups = _common_namespace(manifests), DEFAULT_GROUPS
    named = {m["metadata"]["name"] for m in manifests if m["kind"] == "Namespace"}
    missing = [_namespace(namespace)] if namespace not in (*named, "default") else []
    spaces = [manifest for manifest in manifests if manifest["kind"] == "Namespace"]
    others = [manifest for manifest in manifests if manifest["kind"] != "Namespace"]
    services = services_of(manifests)
    called = {service_of(m) or m["metadata"]["name"] for m in manifests if m["kind"] == "Service"}
    return Source(
        (*missing, *spaces, *secrets, *others),
        namespace,
        services,
        frozenset(name for name in services if name not in called),
        groups,
        bundle,
    )


def groups_of(bundle: Bundle) -> tuple[NodeGroup, ...]:
    """The node groups of a bundle's cluster, each with its least number of nodes."""
    return tuple(
        NodeGroup(
            group["name"],
            group["instance"],
            tuple(group["zones"]) or ("ap-northeast-1a",),
            count=int(group["min"]),
            spot=1.0 if group["spot"] else 0.0,
            labels=tuple(sorted((group.get("labels") or {}).items())),
        )
        for group in bundle.nodes
    )


def _common_namespace(manifests: Iterable[Manifest]) -> str:
    spaces = sorted({m["metadata"].get("namespace") or "default" for m in manifests})
    return next((space for space in spaces if space != "default"), "default")


def _namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _secret(need: SecretNeed) -> Manifest:
    """A Secret of the right name and keys; nothing of a rehearsal reads its values."""
    keys = sorted({*need.generate, *need.template})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": need.name, "namespace": need.namespace},
        "stringData": dict.fromkeys(keys, "rehearsed"),
    }
