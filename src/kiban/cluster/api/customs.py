"""What CustomResourceDefinitions add to a cluster: kinds, the shapes of their objects, their
columns and the fields one can select by. Derived anew whenever a definition has changed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kiban.kube.kinds import KindInfo, custom_kinds
from kiban.kube.objects import GroupKind, Manifest, is_true
from kiban.kube.printing import Printer, custom_printer
from kiban.kube.schema import Shape, custom_shape
from kiban.kube.schema.structural import Schema, defaulted, pruned
from kiban.kube.validation.custom_scale import scale_faults
from kiban.kube.validation.faults import Faults
from kiban.kube.validation.schema_rules import has_rules, validate_rules
from kiban.kube.validation.structural import validate_part, validate_structure

DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")


@dataclass(frozen=True, slots=True)
class Custom:
    """One custom kind in one version."""

    info: KindInfo
    shape: Shape
    printer: Printer
    selectable: tuple[str, ...] = ()
    schema: Schema | None = None
    scale: Mapping[str, str] | None = None
    has_rules: bool = False
    # What is said of every request for a version that is deprecated.
    warning: str = ""

    def understood(self, manifest: Manifest) -> tuple[Manifest, list[str]]:
        """The object without what its schema does not know, with its defaults; and the paths of
        what was not known."""
        unknown: list[str] = []
        if self.schema is None:
            return manifest, unknown
        known: Manifest = defaulted(pruned(manifest, self.schema, unknown), self.schema)
        return known, unknown

    def faults(
        self, manifest: Manifest, old: Manifest | None = None, subresource: str = ""
    ) -> Faults:
        """What is wrong with an object by its definition, in the order it is said."""
        if self.schema is None:
            return []
        if subresource == "status":
            faults = validate_part("status", manifest, self.schema, old)
        else:
            faults = validate_structure(manifest, self.schema, old)
        faults += scale_faults(manifest, self.scale) if self.scale else []
        if self.has_rules:
            faults += validate_rules(manifest, self.schema, faults, old)
        return faults


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
    scale = (version.get("subresources") or {}).get("scale")
    return Custom(
        info,
        custom_shape(schema),
        custom_printer(version),
        tuple(fields),
        schema,
        scale,
        has_rules(schema),
        _warning(info, version),
    )


def _warning(info: KindInfo, version: dict[str, Any]) -> str:
    if not version.get("deprecated"):
        return ""
    return version.get("deprecationWarning") or f"{info.api_version} {info.kind} is deprecated"
