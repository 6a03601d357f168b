"""The hash of a pod template that stands in names and labels.

It is a 32 bit FNV-1a over the template's canonical text, written with the letters of generated
names. The real controllers hash a dump of Go structures, so their letters differ from ours; what
has to hold is that equal templates give equal hashes (apimachinery's SafeEncodeString).
"""

from typing import Any

from kiban.primitives.canonical import canonical_json
from kiban.primitives.chance import SAFE_LETTERS

_OFFSET = 0x811C9DC5
_PRIME = 0x01000193


def fnv1a(data: bytes) -> int:
    """The 32 bit FNV-1a hash."""
    value = _OFFSET
    for byte in data:
        value = ((value ^ byte) * _PRIME) & 0xFFFFFFFF
    return value


def template_hash(template: Any, collisions: int | None = None) -> str:
    """The hash of a template; `collisions` counts how often it met another one of the same hash."""
    data = canonical_json(template)
    if collisions:
        data += collisions.to_bytes(8, "little")
    return safe_encoded(str(fnv1a(data)))


def safe_encoded(text: str) -> str:
    """The text in letters that form no words and are not mistaken for one another."""
    return "".join(SAFE_LETTERS[ord(letter) % len(SAFE_LETTERS)] for letter in text)
