"""Rules for CustomResourceDefinitions: names, versions and what stands beside their schemas.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go. Field paths
are those of the internal form, as the server's own are.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from kiban.kube import formats
from kiban.kube.objects import Manifest, is_true
from kiban.kube.validation.faults import (
    Faults,
    duplicate,
    forbidden,
    immutable,
    invalid,
    one_of,
    required,
)
from kiban.kube.validation.schemas import validate_schema

Value = dict[str, Any]

_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = (
    "byte", "date", "date-time", "double", "float", "int32", "int64", "password",
)  # fmt: skip
_SCALARS = ("string", "boolean", "integer")
_APPROVAL = "api-approved.kubernetes.io"
_REVIEWS = ("v1", "v1beta1")


def validate_definition(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    names, meta = spec.get("names") or {}, manifest["metadata"]
    name, group = meta.get("name", ""), spec.get("group", "")
    faults: Faults = []
    if "resourceVersion" not in meta and name != f"{names.get('plural', '')}.{group}":
        faults.append(invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    faults += _group(group)
    if not spec.get("scope"):
        faults.append(required("spec.scope"))
    else:
        faults += one_of("spec.scope", spec["scope"], ("Cluster", "Namespaced"))
    faults += _versions(spec.get("versions") or [])
    faults += _names(names, "spec.names") + _conversion(spec.get("conversion") or {})
    stored = (manifest.get("status") or {}).get("storedVersions")
    if stored is not None:
        faults += _stored(stored, spec.get("versions") or [])
    faults += _approval(group, meta.get("annotations") or {})
    if spec.get("preserveUnknownFields"):
        faults.append(invalid("spec.preserveUnknownFields", True, _PRESERVED))
    return faults


_PRESERVED = (
    "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
    "spec.versions[*].schema instead"
)


def _stored(stored: Sequence[str], versions: Sequence[Value]) -> Faults:
    """Versions in which objects may still be stored have to stay."""
    at = "status.storedVersions"
    if not stored:
        return [invalid(at, None, "must have at least one stored version")]
    faults: Faults = []
    for version in versions:
        if version.get("storage") and version.get("name") not in stored:
            detail = f"must have the storage version {version.get('name')}"
            faults.append(invalid(at, list(stored), detail))
    called = {version.get("name") for version in versions}
    for index, name in enumerate(stored):
        if name not in called:
            detail = (
                f"missing from spec.versions; {name} was previously a storage version, and must "
                "remain in spec.versions until a storage migration ensures no data remains "
                f"persisted in {name} and removes {name} from status.storedVersions"
            )
            faults.append(invalid(f"{at}[{index}]", name, detail))
    return faults


def definition_stays(old: Manifest, new: Manifest) -> Faults:
    """What the stored objects hang on stays as it is."""
    before, after = old["spec"], new["spec"]
    faults: Faults = []
    if is_true(old, "Established"):
        faults += immutable("spec.scope", before.get("scope"), after.get("scope"))
        kinds = [(spec.get("names") or {}).get("kind") for spec in (before, after)]
        faults += immutable("spec.names.kind", *kinds)
    faults += immutable("spec.group", before.get("group"), after.get("group"))
    plurals = [(spec.get("names") or {}).get("plural") for spec in (before, after)]
    return faults + immutable("spec.names.plural", *plurals)


def _group(group: str) -> Faults:
    if not group:
        return [required("spec.group")]
    if said := formats.dns_subdomain_faults(group):
        return [invalid("spec.group", group, ",".join(said))]
    if "." not in group:
        return [invalid("spec.group", group, "should be a domain with at least one dot")]
    return []


def _approval(group: str, annotations: Value) -> Faults:
    """Groups of the Kubernetes community want its consent."""
    protected = any(group == end or group.endswith(f".{end}") for end in _PROTECTED)
    said = annotations.get(_APPROVAL)
    if not protected:
        return []
    if said:
        parts = urlsplit(said)
        if said.startswith("unapproved") or (parts.scheme and parts.netloc):
            return []
        detail = (
            f'protected groups must have approval annotation "{_APPROVAL}" with either a URL or '
            'a reason starting with "unapproved", see '
            "https://github.com/kubernetes/enhancements/pull/1111"
        )
        return [invalid(f"metadata.annotations[{_APPROVAL}]", said, detail)]
    detail = (
        "protected groups must have approval annotation "
        f'"{_APPROVAL}", see https://github.com/kubernetes/enhancements/pull/1111'
    )
    return [required(f"metadata.annotations[{_APPROVAL}]", detail)]


_PROTECTED = ("k8s.io", "kubernetes.io")


def _versions(versions: Sequence[Value]) -> Faults:
    faults: Faults = []
    for index, version in enumerate(versions):
        own = f"spec.versions[{index}]"
        name = version.get("name", "")
        if said := formats.dns_1035_faults(name):
            faults.append(invalid(f"{own}.name", name, ",".join(said)))
        # A single version is moved to the top of the spec before it is checked.
        at = "spec" if len(versions) == 1 else own
        faults += _version(version, at, own)
    called = [version.get("name", "") for version in versions]
    if len(set(called)) < len(called):
        faults.append(invalid("spec.versions", called, "must contain unique version names"))
    if [version.get("storage") for version in versions].count(True) != 1:
        detail = "must have exactly one version marked as storage version"
        faults.append(invalid("spec.versions", called, detail))
    return faults


def _version(version: Value, field: str, own: str) -> Faults:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema is None:
        return [required(f"{own}.schema.openAPIV3Schema")]
    middle = "validation" if field == "spec" else "schema"
    faults = _deprecation(version, f"{own}.deprecationWarning")
    faults += validate_schema(schema, f"{field}.{middle}.openAPIV3Schema")
    scale = (version.get("subresources") or {}).get("scale")
    if scale is not None:
        faults += _scale(scale, f"{field}.subresources")
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        faults += _column(column, f"{field}.additionalPrinterColumns[{index}]")
    fields = version.get("selectableFields") or ()
    return faults + _selectable(fields, schema, f"{field}.selectableFields")


def _deprecation(version: Value, field: str) -> Faults:
    text = version.get("deprecationWarning")
    if text is None:
        return []
    if not version.get("deprecated"):
        return [invalid(field, text, "can only be set for deprecated versions")]
    if not text:
        return [invalid(field, text, "must not be an empty string")]
    return [invalid(field, text, "must be <= 256 characters long")] if len(text) > 256 else []


def _column(column: Value, field: str) -> Faults:
    faults: Faults = []
    if not column.get("name"):
        faults.append(required(f"{field}.name"))
    kind, form = column.get("type", ""), column.get("format", "")
    detail = f"must be one of {','.join(_COLUMN_TYPES)}"
    if not kind:
        faults.append(required(f"{field}.type", detail))
    elif kind not in _COLUMN_TYPES:
        faults.append(invalid(f"{field}.type", kind, detail))
    if form and form not in _COLUMN_FORMATS:
        detail = f"must be one of {','.join(_COLUMN_FORMATS)}"
        faults.append(invalid(f"{field}.format", form, detail))
    path = column.get("jsonPath", "")
    if not path:
        return [*faults, required(f"{field}.JSONPath")]
    return faults + _simple_path(path, f"{field}.JSONPath")


def _simple_path(path: str, field: str) -> Faults:
    if path.startswith("."):
        return []
    return [invalid(field, path, "must be a simple json path starting with .")]


def _scale(scale: Value, field: str) -> Faults:
    faults: Faults = []
    for key, roots in (("specReplicasPath", (".spec.",)), ("statusReplicasPath", (".status.",))):
        at, path = f"{field}.scale.{key}", scale.get(key, "")
        faults += [required(at)] if not path else _under(path, roots, at, roots[0].rstrip("."))
    path = scale.get("labelSelectorPath", "")
    if path:
        at, said = f"{field}.scale.labelSelectorPath", "either .spec or .status"
        faults += _under(path, (".spec.", ".status."), at, said)
    return faults


def _under(path: str, roots: tuple[str, ...], field: str, said: str) -> Faults:
    if faults := _simple_path(path, field):
        return faults
    if path.startswith(roots):
        return []
    return [invalid(field, path, f"should be a json path under {said}")]


def _selectable(fields: Sequence[Value], schema: Value, field: str) -> Faults:
    faults: Faults = []
    seen = set()
    for index, entry in enumerate(fields):
        at, path = f"{field}[{index}].jsonPath", entry.get("jsonPath", "")
        if not path:
            faults.append(required(at))
            continue
        try:
            found = _at_path(schema, path)
        except _NoField as fault:
            faults.append(invalid(at, path, f"is an invalid path: {fault}"))
            continue
        if path.startswith(".metadata"):
            faults.append(invalid(at, path, "must not point to fields in metadata"))
        if found.get("type") not in _SCALARS:
            detail = (
                "must point to a field of type string, boolean or integer. Enum string fields and "
                "strings with formats are allowed."
            )
            faults.append(invalid(at, path, detail))
        if path in seen:
            faults.append(duplicate(at, path))
        seen.add(path)
    return faults


class _NoField(Exception):
    """A path that leads to no field of a schema."""


def _at_path(schema: Value, path: str) -> Value:
    if "[" in path:
        raise _NoField("array notation is not allowed")
    first, *names = path.split(".")
    if first:
        raise _NoField(f"expected [ or . but got: {first}")
    for name in names:
        more = schema.get("additionalProperties")
        found = (schema.get("properties") or {}).get(name)
        if found is None and isinstance(more, dict) and not schema.get("properties"):
            found = more
        if found is None:
            raise _NoField("does not refer to a valid field")
        schema = found
    return schema


def _names(names: Value, field: str) -> Faults:
    faults: Faults = []
    for key in ("plural", "singular", "kind", "listKind"):
        text = names.get(key, "")
        said = formats.dns_1035_faults(text.lower()) if text else []
        if said:
            mixed = key in ("kind", "listKind")
            prefix = "may have mixed case, but should otherwise match: " if mixed else ""
            faults.append(invalid(f"{field}.{key}", text, prefix + ",".join(said)))
    kind = names.get("kind", "")
    for key in ("shortNames", "categories"):
        for index, text in enumerate(names.get(key) or ()):
            if said := formats.dns_1035_faults(text):
                faults.append(invalid(f"{field}.{key}[{index}]", text, ",".join(said)))
        if key == "shortNames" and kind and kind == names.get("listKind"):
            detail = "kind and listKind may not be the same"
            faults.append(invalid(f"{field}.listKind", kind, detail))
    for key in ("plural", "singular", "kind", "listKind"):
        if not names.get(key):
            faults.append(required(f"{field}.{key}"))
    return faults


def _conversion(conversion: Value) -> Faults:
    strategy, webhook = conversion.get("strategy", "None"), conversion.get("webhook")
    at = "spec.conversion"
    client, reviews = f"{at}.webhookClientConfig", f"{at}.conversionReviewVersions"
    if strategy not in ("None", "Webhook"):
        return one_of(f"{at}.strategy", strategy, ("None", "Webhook"))
    if strategy == "None":
        detail = "should not be set when strategy is not set to Webhook"
        faults = [] if webhook is None else [forbidden(client, detail)]
        given = (webhook or {}).get("conversionReviewVersions")
        return [*faults, forbidden(reviews, detail)] if given else faults
    config = (webhook or {}).get("clientConfig")
    if config is None:
        faults = [required(client, "required when strategy is set to Webhook")]
    elif (config.get("url") is None) == (config.get("service") is None):
        faults = [required(client, "exactly one of url or service is required")]
    else:
        faults = []
    versions = (webhook or {}).get("conversionReviewVersions") or []
    if not versions:
        return [*faults, required(reviews)]
    if not any(version in _REVIEWS for version in versions):
        detail = f"must include at least one of {', '.join(_REVIEWS)}"
        faults.append(invalid(reviews, ",".join(versions), detail))
    return faults
