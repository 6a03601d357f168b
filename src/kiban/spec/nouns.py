"""The file platform.yaml: teams, environments, clusters with their nodes, shared resources."""

from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from kiban.kube.schedules import schedule_fault
from kiban.spec.access import Access
from kiban.spec.fleets import Ring
from kiban.spec.gates import MetricGate, MetricSource, Promotion
from kiban.spec.notifications import Notification
from kiban.spec.resources import Resource, ResourceClass
from kiban.spec.service import Patch
from kiban.spec.sourcing import Secrets, Source
from kiban.spec.words import Count, Host, Name, Quantity, Span, Text, Words
from kiban.spec.zones import Timezone


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; write it like 10.0.16.0/20") from error
    return text


def _schedule(text: str) -> str:
    if fault := schedule_fault(text):
        raise ValueError(fault)
    return text


Network = Annotated[str, AfterValidator(_network)]
Schedule = Annotated[str, AfterValidator(_schedule)]


class Team(Words):
    """A group of people that owns services."""

    description: str = Field(default="", description="What it is for, in a sentence.")
    contact: str | None = Field(default=None, description="A chat channel or an address.")
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Fields of a service that hold for the team's."
    )


class NodeGroup(Words):
    """Nodes of one kind in a cluster."""

    instance: str = Field(default="m5.large", description="The instance type.")
    instances: list[Text] = Field(
        default_factory=list, description="The types that Karpenter chooses from; all by default."
    )
    zones: list[Text] = Field(default_factory=list, description="Zones; the cluster's by default.")
    min: Count = Field(default=1, description="At least so many nodes.")
    max: Count = Field(default=3, description="At most so many.")
    spot: bool = Field(default=False, description="Spot capacity, which can be taken away.")
    cpu: Quantity | None = Field(
        default=None, description="Capacity, if the instance type does not say."
    )
    memory: Quantity | None = Field(
        default=None, description="Memory, if the instance type does not say."
    )
    labels: dict[str, Text] = Field(default_factory=dict, description="Labels of its nodes.")


class Subnet(Words):
    """Where the nodes and pods of a zone get their addresses."""

    cidr: Network = Field(description="Its range, like 10.0.16.0/20.")
    taken: int = Field(default=0, ge=0, description="Addresses that others use in it.")


class Addresses(Words):
    """How pods get addresses from the subnets (the settings of the Amazon VPC CNI)."""

    mode: Literal["secondary", "prefix"] = Field(
        default="secondary", description="Single addresses, or blocks of 16."
    )
    warm_eni_target: int = Field(default=1, ge=0, description="WARM_ENI_TARGET.")
    warm_prefix_target: int = Field(default=1, ge=0, description="WARM_PREFIX_TARGET.")
    warm_ip_target: int | None = Field(default=None, ge=0, description="WARM_IP_TARGET.")
    minimum_ip_target: int | None = Field(default=None, ge=0, description="MINIMUM_IP_TARGET.")


class Cluster(Words):
    """One Kubernetes cluster."""

    description: str = Field(default="", description="What it is for, in a sentence.")
    region: str = Field(default="ap-northeast-1", description="Its region in the cloud.")
    account: Text | None = Field(default=None, description="Its account in the cloud.")
    context: str | None = Field(
        default=None, description="Its context in the kubeconfig; its own name by default."
    )
    kubeconfig: str | None = Field(
        default=None, description="The kubeconfig, where it is not the usual one."
    )
    ring: str | None = Field(
        default=None, description="When it gets a commit, of `rings`; at once by default."
    )
    domain: Host | None = Field(
        default=None, description="The host of routes that name none, instead of the environment's."
    )
    hosts: dict[Name, Host] = Field(
        default_factory=dict, description="Hosts that routes name, which differ here."
    )
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Fields of a service that hold on this cluster."
    )
    version: Text | None = Field(default=None, description="Kubernetes version, like 1.34.")
    ingress_class: str = Field(default="alb", description="Who serves its routes.")
    keda: bool = Field(default=False, description="KEDA runs there, and may scale services.")
    adapters: dict[Literal["datadog", "prometheus"], bool] = Field(
        default_factory=dict,
        description="Who else answers for metrics from outside: the Datadog Cluster Agent, or a "
        "Prometheus adapter that knows them by their names.",
    )
    cdn_certificate: str | None = Field(
        default=None, description="ARN of a certificate in us-east-1, for routes with `cdn`."
    )
    certificate: str | None = Field(
        default=None,
        description="ARN of the certificate of its routes; found by their hosts by default, and "
        "`none` for routes in clear.",
    )
    zones: list[Text] = Field(default_factory=list, description="Its zones.")
    nodes: dict[Name, NodeGroup] = Field(
        default_factory=dict, description="Its groups of nodes, by name."
    )
    subnets: dict[Text, Subnet] = Field(
        default_factory=dict,
        description="By zone. For rehearsals: without them, each zone has a /20.",
    )
    addresses: Addresses = Field(
        default_factory=Addresses, description="How its pods get addresses, for rehearsals."
    )
    autoscaler: Literal["cluster-autoscaler", "karpenter", "none"] = Field(
        default="cluster-autoscaler", description="Who adds and removes nodes, for rehearsals."
    )


class Freeze(Words):
    """A time in which nothing is promoted into an environment."""

    description: str = Field(default="", description="Why; shown to whoever is refused.")
    start: Schedule = Field(description="When it begins, like `0 18 * * FRI`.")
    duration: Span = Field(description="How long it lasts, like `62h`.")
    timezone: Timezone = Field(default="UTC", description="Of the start, like `Asia/Tokyo`.")


class Environment(Words):
    """One of dev, stg, prod: where the services run together."""

    description: str = Field(default="", description="What it is for, in a sentence.")
    cluster: str | None = Field(default=None, description="The cluster it lives on.")
    clusters: list[Text] = Field(default_factory=list, description="Or several.")
    namespace: Name | None = Field(default=None, description="<platform>-<environment> by default.")
    domain: Host | None = Field(default=None, description="The host of routes that name none.")
    hosts: dict[Name, Host] = Field(default_factory=dict, description="Hosts that routes name.")
    after: str | None = Field(default=None, description="The environment it is promoted from.")
    manual: bool = Field(default=False, description="A person must say yes to a promotion.")
    soak: Span = Field(
        default=0.0, description="How long a release must have run well where it comes from."
    )
    approvals: int = Field(default=0, ge=0, description="How many people must approve a release.")
    freeze: dict[Name, Freeze] = Field(
        default_factory=dict, description="Times in which nothing is promoted here."
    )
    promotion: Promotion = Field(
        default="manual",
        description="`automatic`: by itself when all gates pass. `pull-request`: the same, as a "
        "pull request.",
    )
    gates: dict[Name, MetricGate] = Field(
        default_factory=dict,
        description="What a release must show here before it may stay, and go further.",
    )
    secrets: Secrets | None = Field(
        default=None, description="How Secrets come here, where that differs."
    )
    drift: Literal["heal", "show"] = Field(
        default="heal",
        description="What happens to changes by hand: they are put back, or only shown.",
    )
    formerly: Name | None = Field(
        default=None,
        description="Its name before a rename: what runs there passes to the new name.",
    )
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Fields of a service that hold here."
    )


class PlatformSpec(Words):
    """The platform."""

    platform: Name = Field(description="Its name.")
    formerly: Name | None = Field(
        default=None,
        description="Its name before a rename: what runs under it passes to the new name.",
    )
    description: str = Field(default="", description="What it is for, in a sentence.")
    example: bool = Field(
        default=False,
        description="Kiban makes a Git repository of its own from it on first use, so that trying "
        "it out never commits to the repository it came in.",
    )
    teams: dict[Name, Team] = Field(default_factory=dict, description="Who owns services, by name.")
    environments: dict[Name, Environment] = Field(
        min_length=1, description="Where services run together, in the order of promotion."
    )
    clusters: dict[Name, Cluster] = Field(
        default_factory=dict, description="Kubernetes clusters, by name."
    )
    rings: dict[Name, Ring] = Field(
        default_factory=dict, description="In which order clusters get a commit, and how fast."
    )
    resources: dict[Name, Resource] = Field(
        default_factory=dict, description="What services share, by name."
    )
    classes: dict[Name, ResourceClass] = Field(
        default_factory=dict, description="Kinds of resources that services may ask for, by name."
    )
    sources: dict[Name, Source] = Field(
        default_factory=dict, description="Manifests that are delivered beside the services."
    )
    secrets: Secrets = Field(
        default_factory=Secrets, description="How Secrets come to the clusters."
    )
    patches: dict[str, Patch] = Field(
        default_factory=dict,
        description="To objects of the environments themselves: `Namespace/* metadata.labels`.",
    )
    access: Access = Field(
        default_factory=Access, description="Who may use the dashboard, and for what."
    )
    metrics: dict[Name, MetricSource] = Field(
        default_factory=dict, description="Where gates get their figures."
    )
    notifications: dict[Name, Notification] = Field(
        default_factory=dict, description="Who is told what happens, and how."
    )
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Fields of a service that hold for all."
    )
