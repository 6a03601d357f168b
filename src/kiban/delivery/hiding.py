"""Takes the values of Secrets out of texts that programs wrote, before a person or a journal gets
to see them."""

from base64 import b64decode
from binascii import Error
from collections.abc import Iterable

from kiban.kube.objects import SECRET, Manifest, key_of

HIDDEN = "(hidden)"
# Shorter values are words that stand in every log.
SHORTEST = 5


def without_secrets(text: str, objects: Iterable[Manifest]) -> str:
    """The text with every value of every Secret among the objects hidden."""
    values = {
        value
        for manifest in objects
        if key_of(manifest).group_kind == SECRET
        for encoded in (manifest.get("data") or {}).values()
        for value in _forms(encoded)
    }
    # The longest first, so that no part of one is left when another is within it.
    for value in sorted(values, key=lambda value: (-len(value), value)):
        text = text.replace(value, HIDDEN)
    return text


def _forms(encoded: str) -> list[str]:
    """A value as it may stand in a text: as it is, line by line, and encoded."""
    try:
        value = b64decode(encoded).decode()
    except (Error, UnicodeDecodeError):
        return [encoded]
    return [form for form in (value, *value.splitlines(), encoded) if len(form) >= SHORTEST]
