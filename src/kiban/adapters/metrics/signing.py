"""AWS Signature Version 4, as its documentation describes it: a request signed with a key that is
derived from the secret, the day, the region and the service."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, urlsplit

from kiban.adapters.metrics.asking import Call
from kiban.primitives.instants import Instant, to_datetime

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """Credentials; `session` is the token of temporary ones."""

    id: str
    secret: str
    session: str = ""


@dataclass(frozen=True, slots=True)
class Realm:
    """Which service of which region a signature is for."""

    region: str
    service: str


def signed(call: Call, keys: AwsKeys, realm: Realm, now: Instant) -> Call:
    """The call with the headers that prove who sends it."""
    moment = to_datetime(now)
    stamp, day = moment.strftime("%Y%m%dT%H%M%SZ"), moment.strftime("%Y%m%d")
    headers = {**call.headers, "Host": urlsplit(call.url).netloc, "X-Amz-Date": stamp}
    if keys.session:
        headers["X-Amz-Security-Token"] = keys.session
    names, request = _canonical(call, headers)
    scope = f"{day}/{realm.region}/{realm.service}/aws4_request"
    text = "\n".join((ALGORITHM, stamp, scope, sha256(request.encode()).hexdigest()))
    key = f"AWS4{keys.secret}".encode()
    for part in (day, realm.region, realm.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"{keys.id}/{scope}"
    headers["Authorization"] = (
        f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    )
    return Call(call.url, call.method, call.params, headers, call.body)


def _canonical(call: Call, headers: Mapping[str, str]) -> tuple[str, str]:
    """The names of the signed headers, and the canonical request."""
    plain = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    names = ";".join(name for name, _ in plain)
    query = "&".join(f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}"
                     for n, v in sorted(call.params.items()))  # fmt: skip
    path = quote(urlsplit(call.url).path or "/", safe="/-_.~")
    lines = [call.method, path, query, *(f"{name}:{value}" for name, value in plain), ""]
    return names, "\n".join([*lines, names, sha256(call.body).hexdigest()])
