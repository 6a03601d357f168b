"""What a new release is measured by, as people write it: sources of figures, gates on them, and
policies that follow a registry.

Bounds are in base units: shares of one, seconds, or plain numbers, however they are written
(`1%`, `300ms`, `20`).
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from kiban.primitives.instants import parse_span
from kiban.spec.words import Name, Percent, Span, Text, Variable, Words, wrong

# What a gate asks of when nobody names a source: the gateway of the embedded cluster.
GATEWAY = "gateway"
# The baseline that is the release before, in the same environment.
BEFORE = "before"

Indicator = Literal["errors", "requests", "p50", "p90", "p95", "p99", "rollout"]
Promotion = Literal["manual", "automatic", "pull-request"]


def _bound(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value[:-1]) / 100 if value.endswith("%") else parse_span(value)
        except ValueError:
            pass
    raise wrong(f"{value!r} is not a bound; write it like 1%, 300ms or 20")


Bound = Annotated[float, BeforeValidator(_bound), WithJsonSchema({"type": ["string", "number"]})]


class MetricSource(Words):
    """A system that knows figures of services. Its credentials are in the environment of the
    process that asks (`kiban up`)."""

    type: Literal["prometheus", "datadog", "cloudwatch"] = Field(description="What system it is.")
    description: str = Field(default="", description="What it is for, in a sentence.")
    url: Text | None = Field(
        default=None, description="Where it answers; not needed for Datadog and CloudWatch."
    )
    region: Text | None = Field(default=None, description="Of CloudWatch; AWS_REGION by default.")
    token: Variable | None = Field(
        default=None, description="The environment variable that holds a bearer token."
    )


class MetricGate(Words):
    """A question about every new release of an environment, asked while it runs there.

    It is asked over a growing span from the delivery on; a release that answers it badly is rolled
    back by a commit, and one that has not answered it well goes no further. One of `indicator`,
    `query` and `slo` says what is measured.
    """

    description: str = Field(default="", description="Why; shown with its answers.")
    indicator: Indicator | None = Field(
        default=None,
        description="Measured by the gateway: `errors` (the share of answers of 500 and above), "
        "`requests` (a second), or a percentile of the latency. `rollout` fails when a release "
        "has failed to become well and has had the `window` for it.",
    )
    query: Text | None = Field(
        default=None,
        description="In the language of the source. `$service`, `$environment`, `$namespace`, "
        "`$cluster` and `$seconds` (the length of the span) are filled in.",
    )
    slo: bool = Field(
        default=False, description="The service's own objectives: availability and latency."
    )
    source: Text = Field(default=GATEWAY, description="Who is asked: `gateway`, or of `metrics`.")
    at_most: Bound | None = Field(default=None, description="More than this fails.")
    at_least: Bound | None = Field(default=None, description="Less than this fails.")
    baseline: Text | None = Field(
        default=None,
        description="What it is compared with: `before` (the release before), or an environment.",
    )
    worse: Percent = Field(
        default=10.0, description="How much more than the baseline is still good."
    )
    count: Text | None = Field(
        default=None, description="A query for the number of samples; the gateway counts itself."
    )
    samples: int = Field(
        default=100, ge=1, description="With fewer the answer is unknown, which never passes."
    )
    window: Span = Field(default=300.0, description="How long a release must answer well.")
    services: list[Name] = Field(default_factory=list, description="Whom it is about; all.")


class ImagePolicy(Words):
    """Which image of its registry a service runs by itself: the newest that fits. Kiban commits
    it to the release file, as a pipeline would.

    `semver` takes the highest version in a range; `pattern` a regular expression whose first
    group, or the whole tag, is ordered by `order`.
    """

    semver: Text | None = Field(default=None, description="A range, like `^1.4` or `>=2 <3`.")
    pattern: Text | None = Field(
        default=None, description="What tags look like, such as `main-[0-9a-f]+-(?P<n>[0-9]+)`."
    )
    order: Literal["number", "text", "created"] = Field(
        default="number", description="How tags of a pattern are ordered: by what is newest."
    )
    pin: bool = Field(
        default=False, description="Release the digest, so that a tag that moves changes nothing."
    )
    interval: Span = Field(default=60.0, description="How often the registry is asked.")
