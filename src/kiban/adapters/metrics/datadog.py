"""Datadog: a query over the span by the v1 API. A figure is the mean of its points, a count their
sum, so a count is best written with `.as_count()`."""

from dataclasses import dataclass

import aiohttp

from kiban.adapters.metrics.asking import (
    Call,
    SourceFault,
    answered,
    as_json,
    over_span,
    single,
)
from kiban.operations.gates import Question
from kiban.primitives.instants import MICROSECONDS

URL = "https://api.datadoghq.com"


@dataclass(frozen=True, slots=True)
class Datadog:
    session: aiohttp.ClientSession
    api_key: str
    application_key: str
    url: str = URL

    async def ask(self, query: str, question: Question, *, total: bool) -> float | None:
        params = {
            "from": str(question.since // MICROSECONDS),
            "to": str(question.until // MICROSECONDS),
            "query": query,
        }
        headers = {"DD-API-KEY": self.api_key, "DD-APPLICATION-KEY": self.application_key}
        call = Call(f"{self.url.rstrip('/')}/api/v1/query", params=params, headers=headers)
        found = as_json(await answered(self.session, call))
        if found.get("status") == "error" or found.get("error"):
            raise SourceFault(f"refused the query: {found.get('error', 'no reason given')}")
        series = single(found.get("series") or [], "series")
        points = series.get("pointlist", []) if series else []
        return over_span([value for _, value in points if value is not None], total=total)
