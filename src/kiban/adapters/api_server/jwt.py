"""Service accounts' tokens as JSON web tokens, signed with a key of this cluster's own (HS256).

Only this server reads them, so a shared secret is enough: nothing to publish, nothing to rotate
between machines.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Any

import orjson

_HEADER = base64.urlsafe_b64encode(orjson.dumps({"alg": "HS256", "typ": "JWT"})).rstrip(b"=")


class SignedTokens:
    """Signs and reads tokens with one secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def sign(self, claims: dict[str, Any]) -> str:
        signed = _HEADER + b"." + _encoded(orjson.dumps(claims))
        return (signed + b"." + _encoded(self._digest(signed))).decode()

    def read(self, token: str) -> dict[str, Any] | None:
        """The claims of a token; None when this secret did not sign it."""
        signed, _, signature = token.encode().rpartition(b".")
        if not hmac.compare_digest(_encoded(self._digest(signed)), signature):
            return None
        try:
            claims = orjson.loads(_decoded(signed.partition(b".")[2]))
        except (orjson.JSONDecodeError, binascii.Error):
            return None
        return claims if isinstance(claims, dict) else None

    def _digest(self, signed: bytes) -> bytes:
        return hmac.new(self._secret, signed, hashlib.sha256).digest()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
