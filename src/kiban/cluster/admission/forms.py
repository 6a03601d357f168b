"""The form in which webhooks and policies that may change an object see it, and back."""

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.api.failures import Failure
from kiban.kube.defaults import default
from kiban.kube.objects import Manifest
from kiban.kube.schema import shape_of
from kiban.kube.schema.reading import read

# What a new object gets only when it is stored: after others may change it.
_NOT_YET = ("uid", "creationTimestamp", "generation")


def unstored(attempt: Attempt, manifest: Manifest) -> Manifest:
    """An object as it is before it is stored: a new one has no identity of its own yet."""
    if attempt.verb != "CREATE":
        return manifest
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in _NOT_YET}
    if metadata.get("generateName"):
        metadata.pop("name", None)
    return {**manifest, "metadata": metadata}


def stored_form(attempt: Attempt, before: Manifest, patched: Manifest) -> Manifest:
    """The patched object in the form of its kind, with the identity that it is to have."""
    kept = {
        key: value
        for key, value in before["metadata"].items()
        if key not in unstored(attempt, before)["metadata"]
    }
    full = {**patched, "metadata": {**patched["metadata"], **kept}}
    if attempt.info.type_name:
        reading = read(full, shape_of(attempt.info))
        if reading.wrong:
            text = f"Internal error occurred: {reading.wrong}"
            raise Failure(500, "InternalError", text, {"causes": [{"message": reading.wrong}]})
        full = reading.object
    return default(full, attempt.old)
