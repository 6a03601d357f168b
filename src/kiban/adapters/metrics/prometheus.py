"""Prometheus, and whatever answers like it (Thanos, Mimir, VictoriaMetrics, AMP behind a proxy):
an instant query at the end of the span. `$seconds` in the query is the span's length."""

from dataclasses import dataclass
from typing import Any

import aiohttp

from kiban.adapters.metrics.asking import Call, SourceFault, answered, as_json, single
from kiban.operations.gates import Question
from kiban.primitives.instants import MICROSECONDS


@dataclass(frozen=True, slots=True)
class Prometheus:
    """`token` is sent as a bearer token if it is not empty."""

    session: aiohttp.ClientSession
    url: str
    token: str = ""

    async def ask(self, query: str, question: Question, *, total: bool) -> float | None:
        """The query says itself what it adds up, so `total` changes nothing."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        params = {"query": query, "time": f"{question.until / MICROSECONDS:.3f}"}
        call = Call(f"{self.url.rstrip('/')}/api/v1/query", params=params, headers=headers)
        found = as_json(await answered(self.session, call))
        if found.get("status") != "success":
            raise SourceFault(f"refused the query: {found.get('error', 'no reason given')}")
        return _value(found.get("data") or {})


def _value(data: dict[str, Any]) -> float | None:
    result = data.get("result") or []
    match data.get("resultType"):
        case "scalar":
            sample = result
        case "vector":
            series = single(result, "series")
            sample = series["value"] if series else None
        case other:
            raise SourceFault(f"gave a {other}, not one number")
    return float(sample[1]) if sample else None
