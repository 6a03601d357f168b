"""What the audit log says of a request: who, what, to which object, when, and how it ended.

An entry is an `Event` of audit.k8s.io/v1 at the level Metadata: bodies, tokens and keys are never
in it. Recorded is what may change something (programs run in pods included) and whatever was
denied. Source: k8s.io/apiserver/pkg/{audit,apis/audit/v1}.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from kiban.cluster.api.calls import User
from kiban.cluster.api.routing import STREAMING_SUBRESOURCES, target_of
from kiban.cluster.api.values import Request, Response
from kiban.cluster.authorization.impersonation import GROUP, USER
from kiban.kube.objects import Manifest, get_in
from kiban.primitives.instants import Instant, rfc3339_micro

HEADER = "Audit-Id"
# Longer texts are cut, so that an entry stays within a few kilobytes.
URI_LIMIT, AGENT_LIMIT = 2048, 512
_READS = ("GET", "HEAD", "OPTIONS")
DENIED = (401, 403)
# Programs and tunnels may be asked for by GET, for WebSocket's sake.
_ACTS = tuple(f"/{name}" for name in STREAMING_SUBRESOURCES if name != "log")
# Where a new object's name usually stands in the answer; other answers are read whole.
_NAME = re.compile(rb'"metadata":\{(?:"generateName":"[^"\\]*",)?"name":"([^"\\]{1,253})"')
_READ_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it came in: where from, when, and the name it is given."""

    id: str
    method: str
    uri: str
    source: str
    at: Instant

    def entry(self, request: Request, response: Response, now: Instant) -> bytes | None:
        """What is recorded of a request and its answer; None when it is of no concern."""
        if not self._concerns(request.path, response.status):
            return None
        target = target_of(request.method, request.path, watch=request.flag("watch"))
        event = self._event(request.headers, request.user, response.status, now)
        event["verb"] = target.verb if target is not None else request.method.lower()
        if target is not None:
            reference = {
                "resource": target.resource,
                "namespace": target.namespace,
                "name": target.name or _name_in(response.body),
                "apiGroup": target.group,
                "apiVersion": target.version,
                "subresource": target.subresource,
            }
            event["objectRef"] = {key: value for key, value in reference.items() if value}
        return orjson.dumps(event)

    def refused(self, headers: Mapping[str, str], user: User | None, code: int) -> bytes:
        """What is recorded of a request that was turned away at the door."""
        event = self._event(headers, user, code, self.at)
        return orjson.dumps({**event, "verb": self.method.lower()})

    def _concerns(self, path: str, status: int) -> bool:
        if self.method not in _READS or status in DENIED:
            return True
        return path.endswith(_ACTS)

    def _event(
        self, headers: Mapping[str, str], user: User | None, code: int, now: Instant
    ) -> Manifest:
        event: Manifest = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": self.id,
            "stage": "ResponseComplete",
            "requestURI": self.uri[:URI_LIMIT],
            "user": _user(user) if user is not None else {},
            "sourceIPs": [self.source],
            "userAgent": headers.get("user-agent", "")[:AGENT_LIMIT],
            "responseStatus": {"metadata": {}, "code": code},
            "requestReceivedTimestamp": rfc3339_micro(self.at),
            "stageTimestamp": rfc3339_micro(now),
        }
        if headers.get(USER):
            groups = headers.get(GROUP, "").split("\n")
            event["impersonatedUser"] = _user(User(headers[USER], tuple(filter(None, groups))))
        decision = "forbid" if code in DENIED else "allow"
        event["annotations"] = {"authorization.k8s.io/decision": decision}
        return event


def arrival(method: str, uri: str, source: str, at: Instant) -> Arrival:
    """A request that comes in now."""
    return Arrival(_random_uuid(), method, uri, source, at)


def _random_uuid() -> str:
    """As `uuid4` gives them, in a fraction of the time; nobody has to be unable to guess it."""
    digits = f"{random.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    third, fourth = f"4{digits[13:16]}", f"{variant}{digits[17:20]}"
    return f"{digits[:8]}-{digits[8:12]}-{third}-{fourth}-{digits[20:]}"


def _name_in(body: bytes) -> str:
    """The name of the object in an answer; empty when it is not to be had."""
    named = _NAME.search(body, 0, 600)
    if named is not None:
        return named[1].decode()
    if not body.startswith(b"{") or len(body) > _READ_LIMIT:
        return ""
    try:
        return str(get_in(orjson.loads(body), "metadata", "name", default=""))
    except orjson.JSONDecodeError:
        return ""


def _user(user: User) -> Manifest:
    found = {"username": user.name, "uid": user.uid, "groups": list(user.groups)}
    return {key: value for key, value in found.items() if value}
