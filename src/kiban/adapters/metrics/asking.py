"""What all sources of figures share: a question over HTTP, and why there is no answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import orjson

from kiban.operations.gates import Question

REQUEST_SECONDS = 10.0
# What a source that says "too many requests" without saying when is left alone for.
USUAL_REST_SECONDS = 60.0
# Answers of a figure are small; anything else is not one.
MOST_BYTES = 4 * 2**20


class SourceFault(Exception):
    """Why a source gave no figure; `rest_seconds` is how long it wants to be left alone."""

    def __init__(self, words: str, rest_seconds: float = 0.0) -> None:
        self.rest_seconds = rest_seconds
        super().__init__(words)


class Source(Protocol):
    """One system that knows figures."""

    async def ask(self, query: str, question: Question, *, total: bool) -> float | None:
        """The figure of a query over the question's span, None for no data; with `total` the sum
        over the span. Raises `SourceFault`, `aiohttp.ClientError` or `TimeoutError`."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a source."""

    url: str
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


async def answered(session: aiohttp.ClientSession, call: Call) -> bytes:
    """The body of a good answer. Raises `SourceFault` for any other, which never names secrets."""
    timeout = aiohttp.ClientTimeout(REQUEST_SECONDS)
    async with session.request(
        call.method,
        call.url,
        params=call.params or None,
        headers=call.headers,
        data=call.body or None,
        timeout=timeout,
    ) as answer:
        body = await answer.content.read(MOST_BYTES)
        if answer.status == 200:
            return body
        text = body.decode(errors="replace").strip()[:200]
        words = f"answered with {answer.status}" + (f": {text}" if text else "")
        if answer.status == 429:
            raise SourceFault(words, _rest_seconds(answer.headers))
        raise SourceFault(words)


def as_json(body: bytes) -> Mapping[str, Any]:
    """The object that an answer holds. Raises `SourceFault`."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceFault(f"did not answer in JSON: {error}") from error
    if not isinstance(found, dict):
        raise SourceFault("did not answer with an object")
    return found


def single(values: list[Any], thing: str) -> Any:
    """The one item, or None. Raises `SourceFault` when there are several."""
    if len(values) > 1:
        raise SourceFault(f"gave {len(values)} {thing}; the query must give one")
    return values[0] if values else None


def over_span(values: list[float], *, total: bool) -> float | None:
    """One figure of many: their sum, or their mean; None for none."""
    if not values:
        return None
    return sum(values) if total else sum(values) / len(values)


def _rest_seconds(headers: Mapping[str, str]) -> float:
    """`Retry-After` (RFC 9110) or Datadog's `X-RateLimit-Reset`, both in seconds."""
    for name in ("Retry-After", "X-RateLimit-Reset"):
        if (text := headers.get(name, "")).isdigit():
            return max(1.0, float(text))
    return USUAL_REST_SECONDS
