"""What CustomResourceDefinitions add to a cluster: kinds, the shapes of their objects, their
columns and the fields one can select by. Derived anew whenever a definition has changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kiban.kube.kinds import KindInfo, custom_kinds
from kiban.kube.objects import GroupKind, Manifest, is_true
from kiban.kube.printing import Printer, custom_printer
from kiban.kube.schema import Shape, custom_shape

DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")


@dataclass(frozen=True, slots=True)
class Custom:
    """One custom kind in one version."""

    info: KindInfo
    shape: Shape
    printer: Printer
    selectable: tuple[str, ...] = ()


@dataclass(slots=True)
class Customs:
    """All custom kinds that are served, by their own description."""

    found: dict[KindInfo, Custom] = field(default_factory=dict)

    @property
    def infos(self) -> list[KindInfo]:
        return list(self.found)


def customs_of(definitions: Iterable[Manifest]) -> Customs:
    """What the established ones among some definitions add."""
    found: dict[KindInfo, Custom] = {}
    for definition in definitions:
        if not is_true(definition, "Established"):
            continue
        versions = {version["name"]: version for version in definition["spec"]["versions"]}
        for info in custom_kinds(definition):
            found[info] = _custom(info, versions[info.version])
    return Customs(found)


def _custom(info: KindInfo, version: dict[str, Any]) -> Custom:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    fields = [entry["jsonPath"].lstrip(".") for entry in version.get("selectableFields") or ()]
    return Custom(info, custom_shape(schema), custom_printer(version), tuple(fields))


def with_defaults(tree: Any, shape: Shape) -> Any:
    """The value with the defaults that its schema declares, at every depth that is there."""
    if shape.form == "list" and isinstance(tree, list):
        return [with_defaults(item, shape.items) for item in tree]
    if shape.form == "map" and isinstance(tree, dict):
        return {key: with_defaults(value, shape.items) for key, value in tree.items()}
    if shape.form != "object" or not isinstance(tree, dict):
        return tree
    full = dict(tree)
    for name, known in shape.fields.items():
        if name == "metadata":
            continue
        if name not in full and known.default is not None:
            full[name] = known.default
        if name in full:
            full[name] = with_defaults(full[name], known.shape)
    return full
