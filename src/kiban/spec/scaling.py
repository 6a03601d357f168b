"""How many instances of a service there are, and what decides it."""

from typing import Annotated

from pydantic import AfterValidator, Field

from kiban.kube.schedules import schedule_fault
from kiban.spec.words import Count, Name, Percent, Quantity, Span, Text, Words
from kiban.spec.zones import Timezone


def _schedule(text: str) -> str:
    if fault := schedule_fault(text):
        raise ValueError(fault)
    return text


Schedule = Annotated[str, AfterValidator(_schedule)]


class Metric(Words):
    """An external metric to scale by."""

    target: Quantity = Field(description="Average value for each instance.")
    labels: dict[str, Text] = Field(default_factory=dict, description="Labels that select it.")
    source: Text | None = Field(
        default=None,
        description="Who is asked: one of the platform's `metrics`, or `prometheus`, `datadog` or "
        "`cloudwatch`; the cluster's metrics API by default. KEDA asks where it runs, and on the "
        "embedded cluster Kiban asks the platform's own; elsewhere the cluster's metrics API must "
        "know the metric by its name.",
    )
    query: str | None = Field(
        default=None, description="What is asked, in the language of the source."
    )
    server: str | None = Field(
        default=None, description="The address of a `prometheus` that the platform does not name."
    )


class Queue(Words):
    """How long a queue may be: so many messages for each instance, or as many as are worked off in
    the time that a message may wait."""

    messages: Quantity | None = Field(
        default=None, description="Waiting messages for each instance."
    )
    delay: Span | None = Field(default=None, description="How long a message may wait.")
    work: Span | None = Field(
        default=None, description="How long an instance works on one message."
    )


class Times(Words):
    """Times in which there are at least so many instances, whatever the load."""

    start: Schedule = Field(description="When they begin, like `0 8 * * MON-FRI`.")
    end: Schedule = Field(description="When they end, like `0 20 * * MON-FRI`.")
    min: Count = Field(description="At least so many.")
    timezone: Timezone = Field(default="Etc/UTC", description="Of both, like `Asia/Tokyo`.")


class Scale(Words):
    """How many instances. With `max` above `min` an autoscaler owns the number."""

    min: Count | None = Field(
        default=None, description="At least; 2, or one for each zone, by default."
    )
    max: Count | None = Field(default=None, description="At most; the minimum by default.")
    cpu: Percent | None = Field(default=None, description="Share of the requested CPU to aim at.")
    memory: Percent | None = Field(
        default=None, description="Share of the requested memory to aim at."
    )
    requests: Quantity | None = Field(
        default=None, description="Requests a second for each instance."
    )
    latency: Span | None = Field(
        default=None, description="95 of 100 requests are to be answered in this time."
    )
    queues: dict[Name, Queue] = Field(
        default_factory=dict,
        description="How long queues may be, by their names in `uses`.",
    )
    metrics: dict[str, Metric] = Field(
        default_factory=dict, description="External metrics by name, such as a queue's length."
    )
    schedules: dict[Name, Times] = Field(
        default_factory=dict, description="Times in which there are more, by name."
    )
    settle: Span = Field(
        default=300.0, description="How long load must be lower before scaling in."
    )
    hold: Span = Field(
        default=0.0, description="How long load must be higher before scaling out; at once."
    )
    spot_from: Count | None = Field(
        default=None,
        ge=2,
        description="From which instance on they are on spot capacity: with 3, the first two are "
        "on demand.",
    )
