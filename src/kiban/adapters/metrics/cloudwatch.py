"""Amazon CloudWatch: one expression (metric math, or SQL of Metrics Insights) over the span by
GetMetricData. A figure is the mean of its values a minute, a count their sum."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode
from xml.etree import ElementTree

import aiohttp

from kiban.adapters.metrics.asking import Call, SourceFault, answered, over_span, single
from kiban.adapters.metrics.signing import AwsKeys, Realm, signed
from kiban.operations.gates import Question
from kiban.primitives.instants import Instant, rfc3339

VERSION = "2010-08-01"
NAMESPACE = "{http://monitoring.amazonaws.com/doc/2010-08-01/}"
PERIOD_SECONDS = 60


@dataclass(frozen=True, slots=True)
class CloudWatch:
    session: aiohttp.ClientSession
    region: str
    keys: AwsKeys
    clock: Callable[[], Instant]
    url: str = ""

    async def ask(self, query: str, question: Question, *, total: bool) -> float | None:
        form = {
            "Action": "GetMetricData",
            "Version": VERSION,
            "StartTime": rfc3339(question.since),
            "EndTime": rfc3339(question.until),
            "MetricDataQueries.member.1.Id": "figure",
            "MetricDataQueries.member.1.Expression": query,
            "MetricDataQueries.member.1.Period": str(PERIOD_SECONDS),
        }
        call = Call(
            self.url or f"https://monitoring.{self.region}.amazonaws.com/",
            "POST",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
        )
        ours = signed(call, self.keys, Realm(self.region, "monitoring"), self.clock())
        return over_span(_values(await answered(self.session, ours)), total=total)


def _values(body: bytes) -> list[float]:
    """The values of the one result. Raises `SourceFault` for what is not complete."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise SourceFault(f"did not answer in XML: {error}") from error
    results = root.findall(f".//{NAMESPACE}MetricDataResults/{NAMESPACE}member")
    result = single(results, "metrics")
    if result is None:
        return []
    status = result.findtext(f"{NAMESPACE}StatusCode", "Complete")
    if status != "Complete":
        raise SourceFault(f"gave {status}")
    values = result.findall(f"{NAMESPACE}Values/{NAMESPACE}member")
    return [float(value.text or "nan") for value in values]
