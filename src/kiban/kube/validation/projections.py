"""Rules for projected volumes: several sources under one path, none in another's way.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from collections.abc import Callable
from typing import Any

from kiban.kube.validation.faults import Faults, forbidden, invalid, required
from kiban.kube.validation.paths import file_mode, unreserved

Value = dict[str, Any]
Rule = Callable[[Value, str], Faults]

_LEAST_SECONDS = 600
_MOST_SECONDS = 2**32
_CLASH = "conflicting duplicate paths"
_SOURCES = ("secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle",
            "podCertificate")  # fmt: skip


def validate_projected(source: Value, field: str, keyed: Rule, downward: Rule) -> Faults:
    """`keyed` and `downward` check one file of a ConfigMap or Secret, and of a pod's fields."""
    faults = file_mode(source.get("defaultMode"), f"{field}.defaultMode")
    taken: set[str] = set()
    for index, projection in enumerate(source.get("sources") or ()):
        at = f"{field}.sources[{index}]"
        given = [name for name in _SOURCES if projection.get(name) is not None]
        for name in given:
            part, here = projection[name], f"{at}.{name}"
            if name in ("secret", "configMap"):
                faults += _named(part, here, keyed)
            elif name == "downwardAPI":
                for item in part.get("items") or ():
                    faults += downward(item, here)
            elif name == "serviceAccountToken":
                faults += _token(part, here, field)
            elif name == "clusterTrustBundle":
                faults += _bundle(part, here)
            for path, shown in _paths(name, part):
                if path in taken:
                    faults.append(invalid(field, shown, _CLASH))
                taken.add(path)
        if len(given) > 1:
            faults.append(forbidden(at, "may not specify more than 1 volume type per source"))
    return faults


def _named(part: Value, field: str, keyed: Rule) -> Faults:
    faults: Faults = [] if part.get("name") else [required(f"{field}.name")]
    for index, item in enumerate(part.get("items") or ()):
        faults += keyed(item, f"{field}.items[{index}]")
    return faults


def _token(part: Value, field: str, volume: str) -> Faults:
    faults: Faults = []
    seconds, path = part.get("expirationSeconds", 0), part.get("path", "")
    if seconds < _LEAST_SECONDS:
        detail = "may not specify a duration less than 10 minutes"
        faults.append(invalid(f"{field}.expirationSeconds", seconds, detail))
    if seconds > _MOST_SECONDS:
        detail = "may not specify a duration larger than 2^32 seconds"
        faults.append(invalid(f"{field}.expirationSeconds", seconds, detail))
    if not path:
        return [*faults, required(f"{volume}.path")]
    return faults + unreserved(path, f"{volume}.path")


def _bundle(part: Value, field: str) -> Faults:
    faults: Faults = []
    named, signed = part.get("name") is not None, part.get("signerName") is not None
    if named and signed:
        faults.append(invalid(field, part, "only one of name and signerName may be used"))
    elif named and not part["name"]:
        faults.append(required(f"{field}.name", "must be a valid object name"))
    elif signed and not part["signerName"]:
        faults.append(required(f"{field}.signerName", "must be a valid signer name"))
    elif not named and not signed:
        faults.append(required(field, "either name or signerName must be specified"))
    if not part.get("path"):
        faults.append(required(f"{field}.path"))
    return faults + unreserved(part.get("path", ""), f"{field}.path")


def _paths(name: str, part: Value) -> list[tuple[str, str]]:
    """The files of a source, each with what is shown when another has its place."""
    items = part.get("items") or ()
    if name in ("secret", "configMap"):
        called = part.get("name", "")
        return [(item["path"], called) for item in items if item.get("path")]
    if name == "downwardAPI":
        return [(item["path"], item["path"]) for item in items if item.get("path")]
    if name == "clusterTrustBundle":
        return [(part.get("path", ""), part.get("path", ""))]
    return []
