"""Login by OpenID Connect: the code flow with PKCE (RFC 6749, RFC 7636, OpenID Connect Core 1.0).

The only module that knows PyJWT.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import jwt

from kiban.primitives.problems import Exit, KibanError, Problem

# Keys change rarely; a provider that answers slower than this is as good as away.
PATIENCE_SECONDS = 10.0
LEEWAY_SECONDS = 60.0
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider names. The address counts only when the provider has verified it."""

    subject: str
    name: str
    email: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """A login that has begun: what must come back, and what only we know."""

    state: str
    nonce: str
    verifier: str
    redirect: str


class OidcProvider:
    """One provider and our client there. Raises `KibanError` when it does not do its part."""

    def __init__(
        self, issuer: str, client: str, secret: str, *, scopes: Sequence[str], groups: str
    ) -> None:
        self._issuer, self._client, self._secret = issuer.rstrip("/"), client, secret
        self._scopes, self._groups = tuple(scopes), groups
        self._found: dict[str, Any] = {}

    async def begin(self, redirect: str) -> tuple[str, Pending]:
        """The address to send the browser to, and what to keep until it comes back."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        pending = Pending(state, nonce, verifier, redirect)
        digest = hashlib.sha256(pending.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": redirect,
            "scope": " ".join(self._scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        async with self._session() as session:
            found = await self._metadata(session)
        return f"{found['authorization_endpoint']}?{urlencode(query)}", pending

    async def finish(self, pending: Pending, code: str) -> Identity:
        """Whom the code stands for, by a token whose signature, issuer, audience, age and nonce
        are right."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.redirect,
            "client_id": self._client,
            "code_verifier": pending.verifier,
        }
        async with self._session() as session:
            found = await self._metadata(session)
            headers = self._client_proof(found, form)
            asking = session.post(found["token_endpoint"], data=form, headers=headers)
            answer = await _json(asking)
            keys = jwt.PyJWKSet.from_dict(await _json(session.get(found["jwks_uri"])))
        return self._identity(self._claims(str(answer.get("id_token", "")), keys, pending))

    def _client_proof(self, found: Mapping[str, Any], form: dict[str, str]) -> dict[str, str]:
        """Our secret in the way that the provider takes it: by Basic where it names none."""
        if not self._secret:
            return {}
        methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if "client_secret_basic" in methods:
            pair = f"{quote(self._client, '')}:{quote(self._secret, '')}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        form["client_secret"] = self._secret
        return {}

    def _claims(self, token: str, keys: jwt.PyJWKSet, pending: Pending) -> dict[str, Any]:
        try:
            wanted = jwt.get_unverified_header(token).get("kid")
            key = next(each for each in keys.keys if wanted in (None, each.key_id))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._client,
                issuer=self._found["issuer"],
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "sub"]},
            )
        except (jwt.PyJWTError, StopIteration) as error:
            raise _failed(f"its token is no good: {error or 'signed by an unknown key'}") from None
        if claims.get("nonce") != pending.nonce:
            raise _failed("its token belongs to another login")
        return claims

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        email = str(claims.get("email", "")) if claims.get("email_verified", True) else ""
        groups = claims.get(self._groups, ())
        listed = (str(each) for each in groups) if isinstance(groups, list) else ()
        name = str(claims.get("name") or email or claims["sub"])
        return Identity(str(claims["sub"]), name, email, tuple(listed))

    async def _metadata(self, session: aiohttp.ClientSession) -> dict[str, Any]:
        if not self._found:
            address = f"{self._issuer}/.well-known/openid-configuration"
            found = await _json(session.get(address))
            if str(found.get("issuer", "")).rstrip("/") != self._issuer:
                raise _failed(f"{address} names another issuer: {found.get('issuer')}")
            self._found = found
        return self._found

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS))


async def _json(asking: Any) -> dict[str, Any]:
    try:
        async with asking as response:
            found: Any = await response.json(content_type=None)
            if response.status >= 400 or not isinstance(found, dict):
                raise _failed(f"{response.url.with_query(None)} answered {response.status}")
            return found
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise _failed(str(error) or type(error).__name__) from None


def _failed(why: str) -> KibanError:
    return KibanError(
        Problem("login/provider", f"the login provider did not do its part: {why}"),
        Exit.WORLD_FAILED,
    )
