"""All sources of a platform behind one port. One that wants to be left alone is, and nothing that
goes wrong with a source is more than a figure that is not known."""

import time
from collections.abc import Callable, Mapping

import aiohttp

from kiban.adapters.metrics.asking import Source, SourceFault
from kiban.adapters.metrics.cloudwatch import CloudWatch
from kiban.adapters.metrics.datadog import URL as DATADOG_URL
from kiban.adapters.metrics.datadog import Datadog
from kiban.adapters.metrics.gateway import GatewayFigures
from kiban.adapters.metrics.prometheus import Prometheus
from kiban.adapters.metrics.signing import AwsKeys
from kiban.operations.gates import Measured, Question
from kiban.primitives.instants import Instant
from kiban.spec.gates import GATEWAY, MetricSource

Sources = Mapping[str, "Source | str"]


class MetricSources:
    """Answers questions by the sources' names; a source that could not be opened is a text that
    says why."""

    def __init__(self, sources: Sources, gateway: GatewayFigures | None = None) -> None:
        self._sources, self._gateway = sources, gateway
        self._rests_until: dict[str, float] = {}

    async def measure(self, question: Question) -> Measured:
        name = question.source
        if name == GATEWAY:
            if self._gateway is None:
                return Measured(None, fault="there is no gateway of ours before this cluster")
            return await self._gateway.measure(question)
        source = self._sources.get(name, "there is no such source")
        if isinstance(source, str):
            return Measured(None, fault=f"{name}: {source}")
        if (left := self._rests_until.get(name, 0.0) - time.monotonic()) > 0:
            return Measured(None, fault=f"{name} wants to be left alone for {left:.0f} s")
        try:
            return await _measured(source, question)
        except SourceFault as fault:
            if fault.rest_seconds:
                self._rests_until[name] = time.monotonic() + fault.rest_seconds
            return Measured(None, fault=f"{name} {fault}")
        except TimeoutError:
            return Measured(None, fault=f"{name} did not answer in time")
        except (aiohttp.ClientError, ValueError, KeyError, TypeError, IndexError) as error:
            return Measured(None, fault=f"{name} cannot be asked: {type(error).__name__} {error}")


async def _measured(source: Source, question: Question) -> Measured:
    value = await source.ask(question.filled(question.query), question, total=False)
    if not question.count:
        return Measured(value)
    count = await source.ask(question.filled(question.count), question, total=True)
    return Measured(value, count or 0.0)


def open_sources(
    wanted: Mapping[str, MetricSource],
    session: aiohttp.ClientSession,
    environ: Mapping[str, str],
    clock: Callable[[], Instant],
) -> dict[str, Source | str]:
    """The sources of a platform, with credentials from environment variables."""
    found: dict[str, Source | str] = {}
    for name, source in wanted.items():
        found[name] = _opened(source, session, environ, clock)
    return found


def _opened(
    source: MetricSource,
    session: aiohttp.ClientSession,
    environ: Mapping[str, str],
    clock: Callable[[], Instant],
) -> Source | str:
    needed = {
        "prometheus": (source.token,) if source.token else (),
        "datadog": ("DD_API_KEY", "DD_APP_KEY"),
        "cloudwatch": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    }[source.type]
    if missing := [variable for variable in needed if not environ.get(variable)]:
        return f"{' and '.join(missing)} must be set where Kiban runs"
    match source.type:
        case "prometheus":
            return Prometheus(session, source.url or "", environ.get(source.token or "", ""))
        case "datadog":
            keys = environ["DD_API_KEY"], environ["DD_APP_KEY"]
            return Datadog(session, *keys, source.url or DATADOG_URL)
        case "cloudwatch":
            region = source.region or environ.get("AWS_REGION", "")
            if not region:
                return "say its `region`, or set AWS_REGION"
            aws = AwsKeys(
                environ["AWS_ACCESS_KEY_ID"],
                environ["AWS_SECRET_ACCESS_KEY"],
                environ.get("AWS_SESSION_TOKEN", ""),
            )
            return CloudWatch(session, region, aws, clock, source.url or "")
