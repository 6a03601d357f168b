"""OpenAPI 2 in the binary form that kubectl asks for when it validates by itself, as it does for a
List: the definitions, which is what it reads of the document.

The field numbers are those of gnostic's OpenAPIv2.proto. Schemas come from `openapi`; a word of
theirs that is in no table here is a mistake of ours and raises `KeyError`.
"""

from typing import Any

import orjson

from kiban.kube.objects import Manifest

ACCEPTED = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_TEXTS = {"$ref": 1, "format": 2, "title": 3, "description": 4}
_ANY = {"default": 5, "example": 30}
_EXTENSION = "x-"
_LENGTH_DELIMITED = 2


def document(swagger: Manifest) -> bytes:
    """A document of `swagger`, `info` and `definitions`."""
    info = _text(1, swagger["info"]["title"]) + _text(2, swagger["info"]["version"])
    named = _named(swagger["definitions"])
    return _text(1, swagger["swagger"]) + _part(2, info) + _part(9, named)


def _named(schemas: Manifest) -> bytes:
    """Schemas by name; definitions and properties have the same form."""
    return b"".join(
        _part(1, _text(1, name) + _part(2, _schema(schema))) for name, schema in schemas.items()
    )


def _schema(schema: Manifest) -> bytes:
    return b"".join(_word(word, value) for word, value in schema.items())


def _word(word: str, value: Any) -> bytes:
    if word.startswith(_EXTENSION):
        return _part(31, _text(1, word) + _part(2, _any(value)))
    if word in _ANY:
        return _part(_ANY[word], _any(value))
    match word:
        case "required":
            return b"".join(_text(19, name) for name in value)
        case "additionalProperties":
            return _part(21, _part(1, _schema(value)))
        case "type":
            return _part(22, _text(1, value))
        case "items":
            return _part(23, _part(1, _schema(value)))
        case "properties":
            return _part(25, _named(value))
    return _text(_TEXTS[word], value)


def _any(value: Any) -> bytes:
    # The field holds YAML; JSON is YAML.
    return _part(2, orjson.dumps(value))


def _text(number: int, text: str) -> bytes:
    return _part(number, text.encode())


def _part(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)
