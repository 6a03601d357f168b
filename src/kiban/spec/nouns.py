"""The file platform.yaml: teams, environments, clusters with their nodes, shared resources."""

from typing import Any, Literal

from pydantic import Field

from kiban.spec.words import Count, Host, Name, Quantity, Text, Words

ResourceType = Literal[
    "postgres", "mysql", "redis", "queue", "topic", "bucket", "filesystem", "mongo"
]


class Team(Words):
    """A group of people that owns services."""

    description: str = ""
    contact: str | None = Field(default=None, description="A chat channel or an address.")
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Fields of a service that hold for the team's."
    )


class NodeGroup(Words):
    """Nodes of one kind in a cluster."""

    instance: str = Field(default="m5.large", description="The instance type.")
    zones: list[Text] = Field(default_factory=list, description="Zones; the cluster's by default.")
    min: Count = 1
    max: Count = 3
    spot: bool = Field(default=False, description="Spot capacity, which can be taken away.")
    cpu: Quantity | None = Field(
        default=None, description="Capacity, if the instance type does not say."
    )
    memory: Quantity | None = None
    labels: dict[str, Text] = Field(default_factory=dict)


class Cluster(Words):
    """One Kubernetes cluster."""

    description: str = ""
    region: str = "ap-northeast-1"
    account: Text | None = None
    context: str | None = Field(default=None, description="Its context in the kubeconfig.")
    version: Text | None = Field(default=None, description="Kubernetes version, like 1.34.")
    ingress_class: str = Field(default="alb", description="Who serves its routes.")
    certificate: str | None = Field(
        default=None, description="ARN of the certificate of its routes."
    )
    zones: list[Text] = Field(default_factory=list, description="Its zones.")
    nodes: dict[Name, NodeGroup] = Field(default_factory=dict)


class Environment(Words):
    """One of dev, stg, prod: where the services run together."""

    description: str = ""
    cluster: str | None = Field(default=None, description="The cluster it lives on.")
    clusters: list[Text] = Field(default_factory=list, description="Or several.")
    namespace: Name | None = Field(default=None, description="<platform>-<environment> by default.")
    domain: Host | None = Field(default=None, description="The host of routes that name none.")
    hosts: dict[Name, Host] = Field(default_factory=dict, description="Hosts that routes name.")
    after: str | None = Field(default=None, description="The environment it is promoted from.")
    manual: bool = Field(default=False, description="A person must say yes to a promotion.")
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Fields of a service that hold here."
    )


class Resource(Words):
    """Something that services share and somebody else runs."""

    type: ResourceType
    description: str = ""
    version: Text | None = None
    size: Quantity = Field(default="1Gi", description="Storage.")
    database: Name = Field(default="app", description="The database, where there is one.")
    user: Name = Field(default="app", description="The user, where there is one.")


class PlatformSpec(Words):
    """The platform."""

    platform: Name = Field(description="Its name.")
    description: str = ""
    example: bool = Field(
        default=False,
        description="Kiban makes a Git repository of its own from it on first use, so that trying "
        "it out never commits to the repository it came in.",
    )
    teams: dict[Name, Team] = Field(default_factory=dict)
    environments: dict[Name, Environment] = Field(min_length=1)
    clusters: dict[Name, Cluster] = Field(default_factory=dict)
    resources: dict[Name, Resource] = Field(default_factory=dict)
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Fields of a service that hold for all."
    )
