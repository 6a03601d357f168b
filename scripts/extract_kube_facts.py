"""Write `src/kiban/kube/data/facts-<version>.json.gz`: what Kubernetes knows about its kinds and
their fields, taken at development time from the published schemas.

Field facts come from the `_definitions.json` of kubernetes-validate, with the four changes its
conversion made undone (nullable types, `oneOf` for quantities and int-or-string, enums on
apiVersion and kind). Plurals, scopes, verbs and most subresources come from lightkube-models.
Short names, categories and the order of groups are in no package and are kept here by hand;
their source is the discovery documents of Kubernetes itself.

    python scripts/extract_kube_facts.py [1.36]
"""

import gzip
import importlib
import importlib.util
import json
import pkgutil
import sys
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent.parent / "src" / "kiban" / "kube" / "data"
READ_WRITE = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
VERBS = {"post": "create", "put": "update"}

GROUP_ORDER = [
    "", "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io",
    "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io", "networking.k8s.io",
    "policy", "rbac.authorization.k8s.io", "storage.k8s.io", "admissionregistration.k8s.io",
    "apiextensions.k8s.io", "scheduling.k8s.io", "coordination.k8s.io", "node.k8s.io",
    "discovery.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io",
]  # fmt: skip
VERSION_ORDER = ["v2", "v1"]

SHORT_NAMES = {
    "certificatesigningrequests": ["csr"], "componentstatuses": ["cs"], "configmaps": ["cm"],
    "cronjobs": ["cj"], "customresourcedefinitions": ["crd", "crds"], "daemonsets": ["ds"],
    "deployments": ["deploy"], "endpoints": ["ep"], "events": ["ev"],
    "horizontalpodautoscalers": ["hpa"], "ingresses": ["ing"], "ipaddresses": ["ip"],
    "limitranges": ["limits"], "namespaces": ["ns"], "networkpolicies": ["netpol"],
    "nodes": ["no"], "persistentvolumeclaims": ["pvc"], "persistentvolumes": ["pv"],
    "poddisruptionbudgets": ["pdb"], "pods": ["po"], "priorityclasses": ["pc"],
    "replicasets": ["rs"], "replicationcontrollers": ["rc"], "resourcequotas": ["quota"],
    "serviceaccounts": ["sa"], "services": ["svc"], "statefulsets": ["sts"],
    "storageclasses": ["sc"], "volumeattributesclasses": ["vac"],
}  # fmt: skip
NEWER_THAN_DATA = {("csinodes", "status")}
IN_ALL = {
    "cronjobs", "daemonsets", "deployments", "horizontalpodautoscalers", "jobs", "pods",
    "replicasets", "replicationcontrollers", "services", "statefulsets",
}  # fmt: skip
API_EXTENSIONS = {
    "customresourcedefinitions", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations", "validatingadmissionpolicies",
    "validatingadmissionpolicybindings", "validatingwebhookconfigurations", "apiservices",
}  # fmt: skip
STREAMS = {
    "pods": [
        ("attach", "PodAttachOptions", ["create", "get"]),
        ("exec", "PodExecOptions", ["create", "get"]),
        ("portforward", "PodPortForwardOptions", ["create", "get"]),
        ("proxy", "PodProxyOptions", ["create", "delete", "get", "patch", "update"]),
    ],
    "services": [("proxy", "ServiceProxyOptions", ["create", "delete", "get", "patch", "update"])],
    "nodes": [("proxy", "NodeProxyOptions", ["create", "delete", "get", "patch", "update"])],
}
MORE_KINDS = [
    ("", "v1", "Binding", "bindings", True, ["create"]),
    ("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews", False, ["create"]),
    ("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", False, ["create"]),
]
LIST_KEY_DEFAULTS = {
    "io.k8s.api.core.v1.ContainerPort": {"protocol": "TCP"},
    "io.k8s.api.core.v1.ServicePort": {"protocol": "TCP"},
}
ANYTHING = (
    ".JSON",
    ".JSONSchemaPropsOrArray",
    ".JSONSchemaPropsOrBool",
    ".JSONSchemaPropsOrStringArray",
)
SCALAR = {"boolean": "b", "number": "n"}


def main() -> None:
    version = sys.argv[1] if len(sys.argv) > 1 else "1.36"
    definitions = read_definitions(version)
    roots = {
        (gvk["group"], gvk["version"], gvk["kind"]): name
        for name, definition in definitions.items()
        for gvk in definition.get("x-kubernetes-group-version-kind", [])
    }
    kinds = list_kinds(roots)
    for kind in kinds:
        kind["type"] = roots[(kind["group"], kind["version"], kind["kind"])]
    needed = reachable([kind["type"] for kind in kinds] + extra_roots(roots, kinds), definitions)
    types = {name: convert(name, definitions[name]) for name in sorted(needed)}
    data = {"version": version, "kinds": kinds, "types": types}
    text = json.dumps(data, separators=(",", ":"), sort_keys=True).encode()
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"facts-{version}.json.gz"
    path.write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"{path.name}: {len(kinds)} kinds, {len(types)} types, {path.stat().st_size} bytes")  # noqa: T201


def read_definitions(version: str) -> dict[str, Any]:
    spec = importlib.util.find_spec("kubernetes_validate")
    assert spec is not None and spec.origin is not None, "pip install kubernetes-validate"
    folder = Path(spec.origin).parent / "kubernetes-json-schema" / f"v{version}.0-local"
    definitions: dict[str, Any] = json.loads((folder / "_definitions.json").read_text())["$defs"]
    return definitions


def list_kinds(roots: dict[tuple[str, str, str], str]) -> list[dict[str, Any]]:
    """Every kind of a stable version, in the order of the discovery documents."""
    kinds: dict[tuple[str, str, str], dict[str, Any]] = {}
    subresources: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for group, version, kind, plural, namespaced, verbs in MORE_KINDS:
        kinds[(group, version, plural)] = kind_row(group, version, kind, plural, namespaced, verbs)
    for cls in lightkube_classes():
        info = cls._api_info
        owner = info.parent or info.resource
        verbs = sorted({VERBS.get(v, v) for v in info.verbs if not v.startswith("global_")})
        at = (owner.group, owner.version, info.plural)
        if (info.plural, info.action) in NEWER_THAN_DATA:
            continue
        if info.action:
            subresources.setdefault(at, []).append(subresource_row(info, owner, verbs))
            continue
        if (owner.group, owner.version, owner.kind) in roots and at[1] in VERSION_ORDER:
            namespaced = any("Namespaced" in base.__name__ for base in cls.__mro__)
            kinds[at] = kind_row(*at[:2], owner.kind, info.plural, namespaced, verbs)
    for at, kind in kinds.items():
        streams = STREAMS.get(at[2], []) if at[0] == "" else []
        rows = subresources.get(at, []) + [
            {"name": name, "kind": options, "verbs": verbs} for name, options, verbs in streams
        ]
        kind["subresources"] = sorted(rows, key=lambda row: row["name"])
    return sorted(kinds.values(), key=discovery_order)


def discovery_order(kind: dict[str, Any]) -> tuple[int, int, str]:
    return (
        GROUP_ORDER.index(kind["group"]),
        VERSION_ORDER.index(kind["version"]),
        kind["plural"],
    )


def lightkube_classes() -> list[Any]:
    import lightkube.resources as package

    classes = []
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        loaded = importlib.import_module(f"lightkube.resources.{module.name}")
        classes += [
            cls
            for _, cls in sorted(vars(loaded).items())
            if isinstance(cls, type)
            and getattr(cls, "_api_info", None)
            and cls.__module__ == loaded.__name__
            and cls._api_info.resource.group in GROUP_ORDER
            and (cls._api_info.parent or cls._api_info.resource).group in GROUP_ORDER
        ]
    return classes


def kind_row(
    group: str, version: str, kind: str, plural: str, namespaced: bool, verbs: list[str]
) -> dict[str, Any]:
    categories = ["all"] if plural in IN_ALL else []
    categories = ["api-extensions"] if plural in API_EXTENSIONS else categories
    if plural == "namespaces":
        verbs = [verb for verb in verbs if verb != "deletecollection"]
    return {
        "group": group,
        "version": version,
        "kind": kind,
        "plural": plural,
        "singular": kind.lower(),
        "namespaced": namespaced,
        "verbs": verbs,
        "shortNames": SHORT_NAMES.get(plural, []) if group != "events.k8s.io" else ["ev"],
        "categories": categories,
    }


def subresource_row(info: Any, owner: Any, verbs: list[str]) -> dict[str, Any]:
    row = {"name": info.action, "kind": info.resource.kind, "verbs": verbs}
    if (info.resource.group, info.resource.version) != (owner.group, owner.version):
        row |= {"group": info.resource.group, "version": info.resource.version}
    return row


def extra_roots(roots: dict[tuple[str, str, str], str], kinds: list[dict[str, Any]]) -> list[str]:
    """Kinds that only subresources and options use: Scale, Eviction, TokenRequest, Status …"""
    wanted = {("", "v1", "DeleteOptions"), ("", "v1", "Status")}
    for kind in kinds:
        for row in kind["subresources"]:
            at = (row.get("group", kind["group"]), row.get("version", kind["version"]))
            wanted.add((*at, row["kind"]))
    return [roots[gvk] for gvk in sorted(wanted) if gvk in roots]


def reachable(names: list[str], definitions: dict[str, Any]) -> set[str]:
    seen: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left += references(definitions[name])
    return seen


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [name for item in node for name in references(item)]
    if not isinstance(node, dict):
        return []
    target = node.get("$ref")
    own = [target.rpartition("/")[2]] if isinstance(target, str) else []
    return own + [name for value in node.values() for name in references(value)]


def convert(name: str, definition: dict[str, Any]) -> Any:
    """A type: a scalar letter, or `{"f": fields, "r": required, "a": atomic, "g": kinds}`."""
    if name.endswith(".IntOrString"):
        return "x"
    if name.endswith(".Quantity"):
        return "q"
    if name.endswith(ANYTHING):
        return "?"
    if plain_type(definition) != "object":
        return scalar(definition)
    fields = definition.get("properties")
    if not fields:
        return "?"
    result: dict[str, Any] = {"f": {key: field(name, key, fields[key]) for key in sorted(fields)}}
    if definition.get("required"):
        result["r"] = definition["required"]
    if definition.get("x-kubernetes-map-type") == "atomic":
        result["a"] = 1
    return result


def field(owner: str, key: str, node: dict[str, Any]) -> Any:
    """A field: its type, or `{"t": type, "m": merge key, "s": patch strategy, "d": default}`."""
    shape = type_of(node)
    facts = {
        "m": node.get("x-kubernetes-patch-merge-key"),
        "s": node.get("x-kubernetes-patch-strategy"),
        "d": LIST_KEY_DEFAULTS.get(owner, {}).get(key),
        "a": 1 if "$ref" in node and node.get("x-kubernetes-map-type") == "atomic" else None,
    }
    facts = {letter: value for letter, value in facts.items() if value is not None}
    return {"t": shape, **facts} if facts else shape


def type_of(node: dict[str, Any]) -> Any:
    if "$ref" in node:
        return "@" + node["$ref"].rpartition("/")[2]
    kind = plain_type(node)
    if kind == "array":
        relation = node.get("x-kubernetes-list-type")
        if relation is None and "merge" in node.get("x-kubernetes-patch-strategy", ""):
            relation = "map" if "x-kubernetes-patch-merge-key" in node else "set"
        keys = node.get("x-kubernetes-list-map-keys")
        if keys is None and relation == "map":
            keys = [node["x-kubernetes-patch-merge-key"]]
        shape = ["l", type_of(node["items"])]
        return [*shape, relation, keys] if keys else [*shape, relation] if relation else shape
    if kind == "object":
        inner = node.get("additionalProperties")
        shape = ["m", type_of(inner) if isinstance(inner, dict) else "?"]
        return [*shape, 1] if node.get("x-kubernetes-map-type") == "atomic" else shape
    return scalar(node)


def scalar(node: dict[str, Any]) -> str:
    kind, form = plain_type(node), node.get("format")
    if kind == "string":
        return {"date-time": "t", "byte": "B"}.get(str(form), "s")
    if kind == "integer":
        return "l" if form == "int64" else "i"
    return SCALAR.get(str(kind), "?")


def plain_type(node: dict[str, Any]) -> str | None:
    kind = node.get("type")
    if isinstance(kind, list):
        return next(str(item) for item in kind if item != "null")
    return kind


if __name__ == "__main__":
    main()
