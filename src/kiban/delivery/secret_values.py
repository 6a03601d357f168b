"""What a Secret that Kiban writes holds: values of chance and texts made from them, or what a
file of SOPS held.

Of generated ones only missing keys are filled in, so that what programs use already never changes
under them. The values go from here to the API server and nowhere else.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable

from kiban.compiler.bundle import SERVICE_LABEL, SecretNeed
from kiban.delivery.marks import GENERATED_ANNOTATION, Scope
from kiban.kube.objects import Manifest, annotations_of
from kiban.primitives.canonical import digest

# The hash of the encrypted file that a Secret was made from.
SEALED_ANNOTATION = "kiban.dev/sealed"
_CONTENT = ("type", "immutable", "data", "stringData")


def is_met(need: SecretNeed, live: Manifest | None) -> bool:
    """Whether the Secret exists with every key that is needed, and from the file as it is now."""
    if live is None:
        return False
    if need.sealed and annotations_of(live).get(SEALED_ANNOTATION) != digest(need.sealed, 8):
        return False
    data = live.get("data") or {}
    return all(key in data for key in (*need.generate, *need.template, *need.keys))


def opened_manifest(need: SecretNeed, opened: Manifest, scope: Scope) -> Manifest:
    """The Secret that an encrypted file holds, with the marks of its environment."""
    metadata = opened["metadata"]
    own = {**scope.labels} | ({SERVICE_LABEL: need.service} if need.service else {})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": need.name,
            "namespace": need.namespace,
            "labels": {**(metadata.get("labels") or {}), **own},
            "annotations": {
                **(metadata.get("annotations") or {}),
                SEALED_ANNOTATION: digest(need.sealed, 8),
            },
        },
        **{
            key: opened[key] for key in ("type", "immutable", "data", "stringData") if key in opened
        },
    }


def secret_manifest(
    need: SecretNeed, live: Manifest | None, scope: Scope, token: Callable[[], str]
) -> Manifest:
    """The Secret with every key that is needed; `token` draws one value that is hard to guess."""
    held = (live or {}).get("data") or {}
    values = {key: b64decode(text).decode(errors="replace") for key, text in held.items()}
    made = {key: values.get(key) or token() for key in need.generate}
    texts = {
        key: values.get(key) or text.format_map({**values, **made})
        for key, text in need.template.items()
    }
    labels = {**scope.labels} | ({SERVICE_LABEL: need.service} if need.service else {})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": need.name,
            "namespace": need.namespace,
            "labels": labels,
            "annotations": {GENERATED_ANNOTATION: "true"},
        },
        "type": "Opaque",
        "data": {
            key: b64encode(text.encode()).decode()
            for key, text in sorted({**made, **texts}.items())
        },
    }
