"""What autoscalers of the embedded cluster want to know from outside, asked of the platform's own
sources of figures: elsewhere KEDA or an adapter of the cluster's metrics API does that."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kiban.cluster.store import Store
from kiban.cluster.usage import MetricsView
from kiban.cluster.usage.measurements import RESOLUTION_SECONDS, OutsideFigure
from kiban.compiler.bundle import ASKED_ANNOTATION, ENVIRONMENT_LABEL, SERVICE_LABEL
from kiban.kube.objects import (
    HORIZONTAL_POD_AUTOSCALER,
    Manifest,
    annotations_of,
    get_in,
    labels_of,
)
from kiban.operations.gates import MetricsPort, Question, Subject
from kiban.primitives.instants import Instant, later

# Over so long a figure is asked; sources scrape twice a minute or more often.
SPAN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outside:
    """Keeps a view up to date. `look` once, or `run` for good."""

    figures: MetricsPort
    store: Store
    view: MetricsView
    clock: Callable[[], Instant]

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(RESOLUTION_SECONDS)

    async def look(self) -> None:
        """Ask everything once. A figure that is not known is left out: no size is changed."""
        now = self.clock()
        found = []
        for autoscaler in self.store.list(HORIZONTAL_POD_AUTOSCALER):
            for metric, question in _questions(autoscaler, now):
                answer = await self.figures.measure(question)
                if answer.value is not None:
                    namespace, labels = question.subject.namespace, _labels(autoscaler, metric)
                    milli = round(answer.value * 1000)
                    found.append(OutsideFigure(namespace, metric, labels, milli, now))
        self.view.outside = tuple(found)


def _questions(autoscaler: Manifest, now: Instant) -> Iterator[tuple[str, Question]]:
    labels = labels_of(autoscaler)
    service, environment = labels.get(SERVICE_LABEL, ""), labels.get(ENVIRONMENT_LABEL, "")
    subject = Subject(service, environment, autoscaler["metadata"]["namespace"])
    since = later(now, -SPAN_SECONDS)
    for metric, (source, query) in _wanted(autoscaler).items():
        yield metric, Question(source, subject, since, now, query=query)


def _wanted(autoscaler: Manifest) -> dict[str, tuple[str, str]]:
    """Sources and queries by metric. Whoever may write objects may write nonsense: it asks
    nothing."""
    try:
        said = json.loads(annotations_of(autoscaler).get(ASKED_ANNOTATION, "{}"))
        return {key: (str(one["source"]), str(one["query"])) for key, one in said.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _labels(autoscaler: Manifest, metric: str) -> dict[str, str]:
    """The labels by which the autoscaler looks for a metric."""
    for one in get_in(autoscaler, "spec", "metrics", default=[]):
        if get_in(one, "external", "metric", "name") == metric:
            found: dict[str, str] = get_in(
                one, "external", "metric", "selector", "matchLabels", default={}
            )
            return found
    return {}
