"""The service file: everything a team says about one service or job.

Every collection is a map keyed by name, so that an override merges by key. A default stands next
to its field together with its reason; where a default depends on other fields, the compiler
decides it.
"""

from typing import Any, Literal

from pydantic import Field

from kiban.spec.building import Build
from kiban.spec.containers import InitContainer, Resources, Sidecar
from kiban.spec.gates import ImagePolicy
from kiban.spec.health import Health
from kiban.spec.hooks import HookSpec
from kiban.spec.rollouts import Rollout
from kiban.spec.routing import Listener, Network, Route
from kiban.spec.scaling import Scale
from kiban.spec.storage import File, Volume
from kiban.spec.words import (
    AbsolutePath,
    Count,
    Image,
    Name,
    Percent,
    Port,
    PortName,
    Quantity,
    Span,
    Text,
    Variable,
    Words,
)
from kiban.spec.zones import Timezone

Architecture = Literal["amd64", "arm64"]
Protocol = Literal["tcp", "udp", "http", "http2", "grpc"]
DAY_PATTERN = r"^\d{4}-\d{2}-\d{2}$"
Kind = Literal["web", "static", "worker", "job"]


class Availability(Words):
    """How the instances are spread."""

    zones: Count = Field(default=2, description="Zones to spread over.")
    strict: bool = Field(
        default=False, description="Rather leave an instance pending than place it unevenly."
    )


class Use(Words):
    """Something the service uses: another service, a shared resource of the platform, or a
    resource of its own."""

    type: Literal[
        "service",
        "resource",
        "postgres",
        "mysql",
        "redis",
        "queue",
        "topic",
        "bucket",
        "filesystem",
        "mongo",
        "custom",
    ] = Field(description="`service`, `resource` (shared, from platform.yaml), or what it is.")
    name: Name | None = Field(
        default=None, description="Its name, where the key is only how we call it."
    )
    optional: bool = Field(
        default=False,
        description="The service starts and serves without it: waves do not wait for it.",
    )
    class_: Name | None = Field(
        default=None,
        alias="class",
        description="Which of the platform's `classes` of its type; for a resource of its own.",
    )
    params: dict[Name, Text] = Field(
        default_factory=dict, description="What the class leaves open, by name."
    )
    outputs: dict[Text, Variable] = Field(
        default_factory=dict,
        description="Variables of your own names for what it tells: `{url: DATABASE_URL}`. In "
        "`env`, `${resources.main.url}` is a part of a text.",
    )


class Caller(Words):
    """Pods of others, or a network, that may call the service."""

    namespace: Text | None = Field(default=None, description="Pods of this namespace.")
    labels: dict[str, Text] = Field(default_factory=dict, description="Pods with these labels.")
    network: Network | None = Field(default=None, description="Or whoever is in this network.")
    port: str | None = Field(default=None, description="One of `ports`; all by default.")


class Latency(Words):
    """Objectives for the latency, by percentile."""

    p50: Span | None = Field(default=None, description="So soon is the half answered.")
    p90: Span | None = Field(default=None, description="So soon are 90 of 100 answered.")
    p95: Span | None = Field(default=None, description="So soon are 95 of 100 answered.")
    p99: Span | None = Field(default=None, description="So soon are 99 of 100 answered.")


class Objectives(Words):
    """Service level objectives."""

    availability: Percent | None = Field(
        default=None, description="Share of requests that succeed."
    )
    latency: Latency | None = Field(default=None, description="How soon requests are answered.")


class Patch(Words):
    """A change to a compiled object that the language cannot say. Its key names the object and a
    path in it, `[name]` an entry of a list, `[+name]` a new one, `[*]` all; without a path the
    whole object is meant. `Deployment/*` is whichever a service has, for conventions in defaults:
    `{service}`, `{image}`, `{environment}`, `{namespace}`, `{platform}` and `{domain}` are filled
    in."""

    reason: str = Field(min_length=3, description="Why the language does not suffice.")
    expires: str | None = Field(
        default=None,
        pattern=DAY_PATTERN,
        description="The last day it is meant for; afterwards the audit fails.",
    )
    set: Any = Field(
        default=None, description="The new value; maps are merged, null removes a key."
    )
    remove: bool = Field(default=False, description="Remove the target instead.")


class ServiceSpec(Words):
    """One service or job."""

    service: Name = Field(description="Its name; the file's name by default.")
    kind: Kind = Field(
        description="By default a web service has a port, a job a schedule, a worker neither."
    )
    description: str = Field(default="", description="What it does, in a sentence.")
    team: str | None = Field(default=None, description="The team that owns it, from platform.yaml.")
    image: Image | None = Field(
        default=None, description="The image without its tag, which comes from releases/<env>.yaml."
    )
    images: ImagePolicy | None = Field(
        default=None, description="Follow the registry; without it, releases come from pipelines."
    )
    build: Build | None = Field(default=None, description="What its image is made of.")
    command: list[Text] = Field(default_factory=list, description="The program to run.")
    args: list[Text] = Field(default_factory=list, description="Its arguments.")
    working_dir: str | None = Field(
        default=None, description="Where the program starts; the image's own by default."
    )
    port: Port | None = Field(default=None, description="The port it listens on; PORT tells it.")
    ports: dict[PortName, Port] = Field(default_factory=dict, description="Further ports, by name.")
    protocols: dict[PortName, Protocol] = Field(
        default_factory=dict, description="What is spoken on a port, by its name, where not TCP."
    )
    health: Health = Field(
        default_factory=Health, description="How to tell that an instance can serve."
    )
    resources: Resources = Field(
        default_factory=Resources, description="What an instance asks for."
    )
    scale: Scale = Field(default_factory=Scale, description="How many instances there are.")
    instances: Literal["named", "ordered"] | None = Field(
        default=None,
        description="`named`: each has a name that stays, like stamp-0, and an address of its own, "
        "as those with disks have anyway. `ordered`: they also start one after the other.",
    )
    rollout: Rollout | None = Field(
        default=None, description="How new pods take over; one by one by default."
    )
    drain: Span = Field(
        default=15.0,
        description="How long to keep serving after being told to stop: preStop, grace period "
        "and load-balancer deregistration follow from it.",
    )
    availability: Availability | None = Field(
        default=None, description="How instances are spread; over two zones by default."
    )
    spot: Percent = Field(default=0.0, description="Share of the instances on spot capacity.")
    nodes: dict[str, Text] = Field(
        default_factory=dict, description="Labels that its nodes must have."
    )
    arch: Architecture | None = Field(default=None, description="The architecture of its nodes.")
    tolerations: dict[str, Text] = Field(
        default_factory=dict, description="Taints that it bears, by key; empty for any value."
    )
    priority: Text | None = Field(default=None, description="Its PriorityClass.")
    routes: dict[Name, Route] = Field(
        default_factory=dict, description="Hosts and paths that reach it, by name."
    )
    listeners: dict[Name, Listener] = Field(
        default_factory=dict, description="Ports that the world reaches without HTTP, by name."
    )
    uses: dict[Name, Use] = Field(
        default_factory=dict, description="What it uses, by the name it has for it."
    )
    env: dict[Variable, Text] = Field(
        default_factory=dict,
        description="Environment variables. `${environment}`, `${namespace}`, `${platform}`, "
        "`${service}`, `${release}`, `${domain}`, `${cluster}` and `${region}` are filled in, "
        "`${resources.main.url}` and `${services.user.host}` with what something in `uses` tells; "
        "`$${` stands for `${`.",
    )
    secrets: dict[Variable, Text] = Field(
        default_factory=dict, description="Environment variables from secrets, as secret/key."
    )
    files: dict[AbsolutePath, File] = Field(
        default_factory=dict, description="Files that the program finds, by path."
    )
    volumes: dict[Name, Volume] = Field(
        default_factory=dict, description="Directories that may be written, by name."
    )
    init: dict[Name, InitContainer] = Field(
        default_factory=dict, description="Programs that end before it starts, by name."
    )
    sidecars: dict[Name, Sidecar] = Field(
        default_factory=dict, description="Programs that run beside it, by name."
    )
    allow: dict[Name, Caller] = Field(
        default_factory=dict, description="Who may call it although no service `uses` it."
    )
    hooks: dict[Name, HookSpec] = Field(
        default_factory=dict,
        description="Programs that run once for each release, such as a migration.",
    )
    slo: Objectives | None = Field(default=None, description="What its users are promised.")
    owner: str | None = Field(default=None, description="Whom to ask: a person or a channel.")
    tier: Literal["critical", "normal", "low"] = Field(
        default="normal", description="How much depends on it."
    )
    links: dict[Name, Text] = Field(
        default_factory=dict, description="Where to read more, by name: runbook, dashboard."
    )
    budget: Quantity | None = Field(
        default=None, description="What it may cost a month in an environment, in US dollars."
    )
    labels: dict[str, Text] = Field(default_factory=dict, description="Labels of its objects.")
    annotations: dict[str, Text] = Field(
        default_factory=dict, description="Annotations of its pods."
    )
    schedule: str | None = Field(default=None, description="When a job runs, as cron writes it.")
    timezone: Timezone | None = Field(
        default=None, description="The zone of the schedule, like Asia/Tokyo; UTC by default."
    )
    concurrency: Literal["forbid", "allow", "replace"] = Field(
        default="forbid", description="What happens when the last run has not ended."
    )
    deadline: Span = Field(default=3600.0, description="A run that takes longer has failed.")
    retries: Count = Field(default=2, description="How often a failed run is tried again.")
    parallel: Count = Field(default=1, description="Instances of a run at the same time.")
    runs: Count = Field(default=1, description="Instances that must succeed for a run to do so.")
    keep: Span = Field(default=86400.0, description="How long a finished run can be looked at.")
    role: str | None = Field(default=None, description="ARN of the IAM role it acts as.")
    pull_secret: Text | None = Field(
        default=None, description="The secret by which its image is pulled."
    )
    token: bool = Field(default=False, description="Mount a token for the Kubernetes API.")
    user: int | None = Field(
        default=None, ge=1, description="Numeric user, where the image names none."
    )
    suspended: bool = Field(default=False, description="A job that is not run for now.")
    patches: dict[str, Patch] = Field(
        default_factory=dict,
        description="By identity: `Deployment/stamp containers[app].securityContext`.",
    )
    environments: dict[str, Any] = Field(
        default_factory=dict, description="Any of the fields above, for one environment."
    )
    clusters: dict[str, Any] = Field(
        default_factory=dict, description="Any of the fields above, on one cluster."
    )
