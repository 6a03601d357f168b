"""What the kube package knows about an object's form, at the points where the registry needs it:
read on its way in, completed with defaults before it is admitted, checked before it is stored."""

from kiban.cluster.api.calls import Call
from kiban.cluster.api.failures import bad_request
from kiban.kube.defaults import default
from kiban.kube.defaults.workloads import with_job_selector
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import JOB, Manifest
from kiban.kube.schema import shape_of
from kiban.kube.schema.reading import read


def understood(
    info: KindInfo, manifest: Manifest, call: Call, duplicates: tuple[str, ...] = ()
) -> Manifest:
    """What the server makes of a body: unknown fields dropped, and named as the client asked.

    Raises `Failure` for a wrong type, and under strict validation for unknown fields and keys
    given twice.
    """
    reading = read(manifest, shape_of(info))
    if reading.wrong:
        raise bad_request(
            f'{info.kind} in version "{info.version}" cannot be handled as a {info.kind}: '
            f"{reading.wrong}"
        )
    oddities = [f'duplicate field "{path}"' for path in duplicates]
    oddities += [f'unknown field "{path}"' for path in reading.unknown]
    report(oddities, call)
    return reading.object


def report(oddities: list[str], call: Call) -> None:
    """Warn of unknown and duplicate fields, or refuse them, or neither."""
    if not oddities or call.field_validation == "Ignore":
        return
    if call.field_validation == "Strict":
        said = ", ".join(oddities)
        raise bad_request(f"strict decoding error: {said}")
    call.warnings.extend(oddities)


def completed(info: KindInfo, manifest: Manifest) -> Manifest:
    """The manifest with the defaults of its kind."""
    return default(manifest)


def identified(info: KindInfo, manifest: Manifest) -> Manifest:
    """The new object with what is made from its own uid: a Job's selector and labels."""
    return with_job_selector(manifest) if info.group_kind == JOB else manifest


def check_new(info: KindInfo, manifest: Manifest) -> None:
    """Raise `Failure` when a new object breaks a rule."""


def check_change(info: KindInfo, new: Manifest, live: Manifest, subresource: str) -> None:
    """Raise `Failure` when a change breaks a rule."""
