"""What services use beside each other: databases, queues, buckets. Their types, the classes that a
platform offers of each, and what each tells those who use it.

Somebody else runs a resource. A class may say who: the objects that ask an operator or a cloud
controller for it.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from kiban.spec.words import Name, Quantity, Text, Words

ResourceType = Literal[
    "postgres", "mysql", "redis", "queue", "topic", "bucket", "filesystem", "mongo", "custom"
]

# What each type tells: the keys of its Secret, and of a service its address.
TOLD: Mapping[str, tuple[str, ...]] = {
    "postgres": ("url", "host", "port", "username", "password", "database"),
    "mysql": ("url", "host", "port", "username", "password", "database"),
    "mongo": ("url", "host", "port", "username", "password", "database"),
    "redis": ("url", "host", "port"),
    "queue": ("url", "endpoint", "region", "username", "password"),
    "topic": ("url", "endpoint", "region", "username", "password"),
    "bucket": ("url", "endpoint", "region", "username", "password"),
    "filesystem": ("url",),
    "custom": (),
    "service": ("url", "host", "port"),
}


class Resource(Words):
    """Something that services share and somebody else runs."""

    type: ResourceType = Field(description="What it is; a `custom` one is what its class says.")
    description: str = Field(default="", description="What it is for, in a sentence.")
    class_: Name | None = Field(
        default=None, alias="class", description="One of `classes`; that of its type by default."
    )
    params: dict[Name, Text] = Field(
        default_factory=dict, description="What the class leaves open, by name."
    )
    version: Text | None = Field(default=None, description="Which version, for those who make it.")
    size: Quantity = Field(default="1Gi", description="Storage.")
    database: Name = Field(default="app", description="The database, where there is one.")
    user: Name = Field(default="app", description="The user, where there is one.")


class ResourceClass(Words):
    """A kind of resource that the platform offers: how large, and who makes it. One that has the
    name of a type is what services get that ask for no class."""

    type: ResourceType = Field(description="What it is.")
    description: str = Field(default="", description="When to choose it.")
    version: Text | None = Field(
        default=None, description="Which version, unless a resource says it."
    )
    size: Quantity | None = Field(default=None, description="Storage, unless a resource says it.")
    params: dict[Name, Text] = Field(
        default_factory=dict, description="What may be chosen, with what holds by default."
    )
    outputs: dict[Name, Text] = Field(
        default_factory=dict,
        description="What it tells beside what its type does: further keys of its Secret, with "
        "their meaning.",
    )
    objects: dict[Name, Any] = Field(
        default_factory=dict,
        description="Objects that ask for it in a cluster, by any name, as Kubernetes has them. "
        "`{name}`, `{size}`, `{version}`, `{service}` (the first that uses it), `{namespace}`, "
        "`{environment}`, `{platform}`, `{region}` and the params are filled in. They stay when "
        "nobody uses it any more: what holds data is deleted by people.",
    )


def class_of(
    classes: Mapping[str, ResourceClass], type_: str, wanted: str | None
) -> ResourceClass | None:
    """The class of a resource: the one it names, or the one that has the name of its type."""
    found = classes.get(wanted or type_)
    return found if found is not None and (wanted or found.type == type_) else None


def outputs_of(type_: str, found: ResourceClass | None) -> tuple[str, ...]:
    """What a resource tells those who use it."""
    own = TOLD.get(type_, ())
    return (*own, *(one for one in found.outputs if one not in own)) if found else own
