"""Which kinds there are, how they are called and what may be done with them.

A `Kinds` is an immutable registry: the built-in kinds of Kubernetes, those of the Gateway API, and
whatever CustomResourceDefinitions add (`including`, `without`). It answers discovery, turns what a
person types into a kind and builds the paths of the REST API.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from kiban.kube.facts import facts
from kiban.kube.objects import GroupKind, Manifest

READ_WRITE = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
STATUS_VERBS = ("get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Subresource:
    """`deployments/scale`: its own kind, and its own group and version where they differ."""

    name: str
    kind: str
    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""


@dataclass(frozen=True)
class KindInfo:
    """One kind in one version. `type_name` leads to its fields in `schema`; it is empty for kinds
    whose fields are not known."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...] = READ_WRITE
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[Subresource, ...] = ()
    type_name: str = ""
    list_kind: str = ""

    def __hash__(self) -> int:
        # Looked up many times in every write; of all that is compared, these tell kinds apart.
        return hash((self.group, self.version, self.kind))

    @cached_property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    @cached_property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """`deployments.apps`: the name used in errors and rights."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def names(self) -> tuple[str, ...]:
        """Everything a person may call it."""
        return (self.plural, self.singular, self.kind.lower(), *self.short_names)

    @property
    def list_kind_name(self) -> str:
        return self.list_kind or f"{self.kind}List"

    def subresource(self, name: str) -> Subresource | None:
        return next((entry for entry in self.subresources if entry.name == name), None)

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """`/apis/apps/v1/namespaces/shop/deployments/cart/scale`."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        where = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{root}{where}/{self.plural}{tail}"


class Kinds:
    """A registry in discovery order: the first version of a kind is the preferred one."""

    def __init__(self, infos: Iterable[KindInfo]) -> None:
        self._infos = tuple(infos)
        self._by_kind: dict[GroupKind, list[KindInfo]] = {}
        self._by_path: dict[tuple[str, str, str], KindInfo] = {}
        self._by_name: dict[str, list[KindInfo]] = {}
        self._groups: dict[str, list[str]] = {}
        for info in self._infos:
            versions = self._groups.setdefault(info.group, [])
            if info.version not in versions:
                versions.append(info.version)
            self._by_kind.setdefault(info.group_kind, []).append(info)
            self._by_path[(info.group, info.version, info.plural)] = info
            for name in dict.fromkeys(info.names):
                self._by_name.setdefault(name, []).append(info)

    def __iter__(self) -> Iterator[KindInfo]:
        return iter(self._infos)

    def of(self, kind: GroupKind, version: str = "") -> KindInfo | None:
        """The kind in that version, or in the preferred one."""
        served = self._by_kind.get(kind, ())
        return next((info for info in served if version in ("", info.version)), None)

    def of_manifest(self, manifest: Manifest) -> KindInfo | None:
        """The kind and version that a manifest says it is."""
        group, _, version = str(manifest.get("apiVersion", "")).rpartition("/")
        return self.of(GroupKind(group, str(manifest.get("kind", ""))), version)

    def at(self, group: str, version: str, plural: str) -> KindInfo | None:
        """The kind behind a path of the REST API."""
        return self._by_path.get((group, version, plural))

    def typed(self, word: str) -> KindInfo | None:
        """What a person means by `deploy`, `Pods`, `deployments.apps` or `deployments.v1.apps`."""
        name, _, rest = word.lower().partition(".")
        return next((info for info in self._by_name.get(name, ()) if _fits(info, rest)), None)

    def versions(self, kind: GroupKind) -> tuple[str, ...]:
        """The served versions of a kind, the preferred one first."""
        return tuple(info.version for info in self._by_kind.get(kind, ()))

    def groups(self) -> Mapping[str, Sequence[str]]:
        """Every group with its versions, in discovery order."""
        return self._groups

    def in_version(self, group: str, version: str) -> list[KindInfo]:
        """The kinds of one group and version, in discovery order."""
        return [info for info in self._infos if (info.group, info.version) == (group, version)]

    def in_category(self, category: str) -> list[KindInfo]:
        """The kinds `kubectl get <category>` shows, in preferred versions only."""
        return [served[0] for served in self._by_kind.values() if category in served[0].categories]

    def including(self, infos: Iterable[KindInfo]) -> "Kinds":
        """A registry with more kinds; those of the same group, version and plural are replaced."""
        added = {(info.group, info.version, info.plural): info for info in infos}
        kept = [
            info for info in self._infos if (info.group, info.version, info.plural) not in added
        ]
        return Kinds([*kept, *added.values()])

    def without(self, group: str, plural: str) -> "Kinds":
        """A registry that no longer serves any version of a resource."""
        return Kinds(info for info in self._infos if (info.group, info.plural) != (group, plural))


def _fits(info: KindInfo, rest: str) -> bool:
    version_and_group = f"{info.version}.{info.group}" if info.group else info.version
    return rest in ("", info.group, version_and_group)


def _subresource(row: dict[str, Any]) -> Subresource:
    group, version = row.get("group", ""), row.get("version", "")
    return Subresource(row["name"], row["kind"], tuple(row["verbs"]), group, version)


def _built_in(row: dict[str, Any]) -> KindInfo:
    return KindInfo(
        group=row["group"],
        version=row["version"],
        kind=row["kind"],
        plural=row["plural"],
        singular=row["singular"],
        namespaced=row["namespaced"],
        verbs=tuple(row["verbs"]),
        short_names=tuple(row["shortNames"]),
        categories=tuple(row["categories"]),
        subresources=tuple(_subresource(entry) for entry in row["subresources"]),
        type_name=row["type"],
    )


_GATEWAY = "gateway.networking.k8s.io"
_GATEWAY_KINDS: tuple[tuple[str, str, tuple[str, ...], bool], ...] = (
    ("GatewayClass", "gatewayclasses", ("gc",), False),
    ("Gateway", "gateways", ("gtw",), True),
    ("GRPCRoute", "grpcroutes", (), True),
    ("HTTPRoute", "httproutes", (), True),
)


def _gateway_kinds() -> list[KindInfo]:
    """The Gateway API is a set of custom resources; its kinds carry the category it gives them."""
    return [
        KindInfo(
            group=_GATEWAY,
            version="v1",
            kind=kind,
            plural=plural,
            singular=kind.lower(),
            namespaced=namespaced,
            verbs=CUSTOM_VERBS,
            short_names=short_names,
            categories=("gateway-api",),
            subresources=(Subresource("status", kind, STATUS_VERBS),),
        )
        for kind, plural, short_names, namespaced in _GATEWAY_KINDS
    ]


@cache
def standard_kinds() -> Kinds:
    """The kinds of Kubernetes in their stable versions, and of the Gateway API."""
    return Kinds([*(_built_in(row) for row in facts()["kinds"]), *_gateway_kinds()])


def custom_kinds(definition: Manifest) -> list[KindInfo]:
    """The kinds that a CustomResourceDefinition serves."""
    spec = definition["spec"]
    names = spec["names"]
    return [
        KindInfo(
            group=spec["group"],
            version=version["name"],
            kind=names["kind"],
            plural=names["plural"],
            singular=names.get("singular") or names["kind"].lower(),
            namespaced=spec["scope"] == "Namespaced",
            verbs=CUSTOM_VERBS,
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            subresources=_custom_subresources(names["kind"], version.get("subresources") or {}),
            list_kind=names.get("listKind", ""),
        )
        for version in sorted(spec["versions"], key=lambda entry: _priority(entry["name"]))
        if version.get("served")
    ]


def _custom_subresources(kind: str, declared: Manifest) -> tuple[Subresource, ...]:
    status = (Subresource("status", kind, STATUS_VERBS),) if "status" in declared else ()
    scale = (
        (Subresource("scale", "Scale", STATUS_VERBS, "autoscaling", "v1"),)
        if "scale" in declared
        else ()
    )
    return status + scale


def _priority(version: str) -> tuple[int, int, int, str]:
    """Versions in Kubernetes' order: v2, v1, v1beta2, v1beta1, v1alpha1, then anything else."""
    stage, numbers = 3, version.removeprefix("v")
    for number, marker in enumerate(("alpha", "beta")):
        major, found, minor = numbers.partition(marker)
        if found and major.isdigit() and minor.isdigit():
            return (2 - number, -int(major), -int(minor), version)
    if numbers.isdigit() and version.startswith("v"):
        return (0, -int(numbers), 0, version)
    return (stage, 0, 0, version)
