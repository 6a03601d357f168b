"""What the kube package knows about an object's form, at the points where the registry needs it:
read on its way in, completed with defaults before it is admitted, checked before it is stored."""

from collections.abc import Sequence

from kiban.cluster.api.calls import Call
from kiban.cluster.api.customs import Custom
from kiban.cluster.api.failures import Failure, bad_request, invalid, wrong_value
from kiban.kube.defaults import default
from kiban.kube.defaults.workloads import with_job_selector
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import JOB, Manifest, sharing
from kiban.kube.schema import Shape
from kiban.kube.schema.builtin import UNTYPED
from kiban.kube.schema.nested import DEFINITION, WrongNested, with_nested_read
from kiban.kube.schema.reading import read
from kiban.kube.validation import (
    Fault,
    status_causes,
    validate_create,
    validate_part_update,
    validate_update,
)


def understood(
    shape: Shape,
    manifest: Manifest,
    call: Call,
    duplicates: tuple[str, ...] = (),
    known: Manifest | None = None,
) -> Manifest:
    """What the server makes of an object: unknown fields dropped, and named as the client asked.

    Raises `Misread` for a wrong type, and under strict validation for unknown fields and keys
    given twice.
    """
    reading = read(manifest, shape, known)
    if reading.wrong:
        raise Misread(reading.wrong)
    _name_oddities(reading.unknown, call, duplicates)
    if shape.name == DEFINITION:
        try:
            return with_nested_read(reading.object)
        except WrongNested as wrong:
            raise Misread(str(wrong)) from wrong
    return reading.object


def custom_understood(
    custom: Custom, manifest: Manifest, call: Call, duplicates: tuple[str, ...] = ()
) -> Manifest:
    """What the server makes of a custom object: only its metadata is typed at this point.

    Raises `Misread` as `understood` does.
    """
    head = {key: manifest[key] for key in _HEAD if key in manifest}
    reading = read(head, UNTYPED)
    if reading.wrong:
        raise Misread(reading.wrong)
    known, unknown = custom.understood(manifest)
    _name_oddities([*unknown, *reading.unknown], call, duplicates)
    return {**known, **reading.object}


_HEAD = ("apiVersion", "kind", "metadata")


def _name_oddities(unknown: Sequence[str], call: Call, duplicates: tuple[str, ...]) -> None:
    oddities = [f'duplicate field "{path}"' for path in duplicates]
    oddities += [f'unknown field "{path}"' for path in unknown]
    if oddities and call.field_validation == "Strict":
        raise Misread("strict decoding error: " + ", ".join(oddities))
    if oddities and call.field_validation == "Warn":
        call.warnings.extend(oddities)


class Misread(Exception):
    """A body that does not fit its kind; how that is answered depends on the verb."""

    def in_body(self, info: KindInfo) -> Failure:
        return bad_request(
            f'{info.kind} in version "{info.version}" cannot be handled as a {info.kind}: {self}'
        )

    def in_patch(self, patch: str) -> Failure:
        cause = wrong_value("patch", patch, str(self))
        text = f' "" is invalid: patch: {cause["message"]}'
        return Failure(422, "Invalid", text, {"causes": [cause]})


def completed(info: KindInfo, manifest: Manifest, live: Manifest | None = None) -> Manifest:
    """The manifest with the defaults of its kind. What comes out as it is in the live object is
    shared with it: it takes no memory again, and is seen at a glance to be unchanged."""
    full = default(manifest, live)
    return full if live is None or full is manifest else sharing(full, live)


def identified(info: KindInfo, manifest: Manifest) -> Manifest:
    """The new object with what is made from its own uid: a Job's selector and labels."""
    return with_job_selector(manifest) if info.group_kind == JOB else manifest


def check_new(info: KindInfo, manifest: Manifest, custom: Custom | None, call: Call) -> None:
    """Raise `Failure` when a new object breaks a rule."""
    faults = validate_create(manifest, info, call.api_version)
    _refuse(info, manifest, faults + (custom.faults(manifest) if custom else []))


def check_change(
    info: KindInfo,
    new: Manifest,
    live: Manifest,
    subresource: str,
    custom: Custom | None,
    call: Call,
) -> None:
    """Raise `Failure` when a change breaks a rule."""
    if custom is not None:
        faults = [] if subresource == "status" else validate_update(live, new, info)
        _refuse(info, new, faults + custom.faults(new, live, subresource))
    elif subresource in PARTS:
        _refuse(info, new, validate_part_update(live, new, info, subresource))
    else:
        _refuse(info, new, validate_update(live, new, info, call.api_version))


# What these end points may change is limited already, and their rules are their own.
PARTS = ("status", "binding", "ephemeralcontainers", "resize")


def _refuse(info: KindInfo, manifest: Manifest, faults: Sequence[Fault]) -> None:
    if faults:
        raise invalid(info, manifest["metadata"].get("name", ""), status_causes(faults))
