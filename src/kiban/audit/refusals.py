"""What the API server would refuse of a manifest: the place, and why, for people who never saw the
types of Go. Source of the rules: `kube.validation`, which answers as kube-apiserver does."""

import re

from kiban.kube.defaults import default
from kiban.kube.defaults.workloads import with_job_selector
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import JOB, Manifest
from kiban.kube.schema.reading import Reading
from kiban.kube.validation import validate_create

_UID = "00000000-0000-4000-8000-000000000000"
_UNMARSHAL = re.compile(r"json: cannot unmarshal (\w+).* of type (\S+)")
_GIVEN = {
    "bool": "true or false (put quotes around it)",
    "number": "a number (put quotes around it)",
    "string": "text",
    "array": "a list",
    "object": "a map",
    "null": "nothing",
}
_WANTED = {
    "string": "text",
    "bool": "true or false",
    "boolean": "true or false",
    "int32": "a whole number",
    "int64": "a whole number",
    "float64": "a number",
    "[]": "a list",
    "map[string]": "a map",
    "Quantity": "an amount, such as 100m or 64Mi",
    "IntOrString": "a number or text",
    "intstr.IntOrString": "a number or text",
    "v1.Time": "an instant, such as 2026-01-02T15:04:05Z",
    "[]uint8": "base64",
}


def wrong_in_words(reading: Reading) -> tuple[str, str]:
    """The place of the wrong type, and the sentence about it; empty when all types are right."""
    if reading.wrong.startswith("quantities must match"):
        return reading.wrong_at, "must be an amount, such as 100m or 64Mi"
    match = _UNMARSHAL.match(reading.wrong)
    if match is None:
        return reading.wrong_at, reading.wrong
    given, wanted = match.groups()
    name = _WANTED.get(wanted, "a map")
    said = _GIVEN.get(given, given) if name == "text" else _GIVEN.get(given, given).split(" (")[0]
    return reading.wrong_at, f"must be {name}, not {said}"


def refusals(manifest: Manifest, info: KindInfo) -> tuple[tuple[str, str], ...]:
    """Place and reason of everything that is wrong with a manifest whose types are right. A live
    object was accepted once, and what has no namespace yet gets the one it is applied to."""
    metadata = manifest["metadata"]
    if metadata.get("uid") or metadata.get("ownerReferences"):
        return ()
    # A job's selector is made of its uid.
    given = {"namespace": "default", **metadata, "uid": _UID} if info.namespaced else metadata
    manifest = default({**manifest, "metadata": given})
    if info.group_kind == JOB:
        manifest = with_job_selector(manifest)
    found = validate_create(manifest, info)
    return tuple(dict.fromkeys((fault.field, fault.message) for fault in found))
