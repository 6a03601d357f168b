"""What stands before every request: who asks, from which page, and what the answer may do."""

import json
import secrets
import time
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from kiban.web.access import Person, Session, Sessions

COOKIE = "kiban_session"
CSRF_HEADER = "X-Kiban-Csrf"
# Only our own files run, nothing is fetched from elsewhere, nobody frames us.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# Logins that may fail in a minute before one has to wait.
TRIES, TRIES_SECONDS = 10, 60.0


class Guard:
    """Knows the sessions and who may come in. `hosts` are the names under which it is reached
    beside this machine's own; a page of another name never gets an answer (DNS rebinding)."""

    def __init__(self, hosts: frozenset[str] = frozenset()) -> None:
        self.sessions = Sessions()
        self._hosts = hosts | LOCAL_HOSTS
        self._tries: list[float] = []

    def session(self, request: web.Request) -> Session | None:
        """Whose request this is."""
        return self.sessions.find(request.cookies.get(COOKIE, ""), time.monotonic())

    def known(self, request: web.Request) -> Session:
        """Like `session`, for what strangers may not see. Raises an answer."""
        session = self.session(request)
        if session is None:
            raise refusal(401, "log in first")
        return session

    def begin(self, person: Person, response: web.StreamResponse, *, secure: bool) -> Session:
        """Begin a session in an answer's cookie."""
        id_, now = secrets.token_urlsafe(32), time.monotonic()
        session = Session(person, secrets.token_urlsafe(32), now, now)
        self.sessions.begin(id_, session)
        response.set_cookie(COOKIE, id_, httponly=True, samesite="Strict", secure=secure, path="/")
        return session

    def end(self, request: web.Request, response: web.StreamResponse) -> None:
        self.sessions.end(request.cookies.get(COOKIE, ""))
        response.del_cookie(COOKIE, path="/")

    def check_tries(self) -> None:
        """Raises an answer when too many logins failed lately."""
        now = time.monotonic()
        self._tries = [at for at in self._tries if now - at < TRIES_SECONDS]
        if len(self._tries) >= TRIES:
            raise refusal(429, "too many failed logins; wait a minute")

    def note_failure(self) -> None:
        self._tries.append(time.monotonic())

    def middleware(self) -> Middleware:
        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._check(request)
            return await handler(request)

        return guarded

    def _check(self, request: web.Request) -> None:
        host = urlsplit(f"//{request.host}").hostname or ""
        if host not in self._hosts:
            raise refusal(421, f"this dashboard is not {host}")
        if request.method in ("GET", "HEAD"):
            return
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise refusal(403, "the request comes from another page")
        session = self.session(request)
        if session is not None and request.path != "/api/login":
            given = request.headers.get(CSRF_HEADER, "")
            if not secrets.compare_digest(given.encode(), session.csrf.encode()):
                raise refusal(403, "the page is too old; load it again")


async def protect(request: web.Request, response: web.StreamResponse) -> None:
    """Add what every answer says about itself, unless it says otherwise."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def refusal(code: int, words: str) -> web.HTTPException:
    """An answer that refuses, as JSON."""
    kinds = {
        400: web.HTTPBadRequest,
        401: web.HTTPUnauthorized,
        403: web.HTTPForbidden,
        404: web.HTTPNotFound,
        409: web.HTTPConflict,
        421: web.HTTPMisdirectedRequest,
        429: web.HTTPTooManyRequests,
        502: web.HTTPBadGateway,
    }
    text = json.dumps({"error": words})
    return kinds[code](text=text, content_type="application/json")
