"""Programs beside the service's own: before it, and all along with it."""

from pydantic import Field

from kiban.spec.words import AbsolutePath, Count, Image, Port, Quantity, Text, Variable, Words


class Resources(Words):
    """What one instance asks for. Memory is limited to its request, because a node that runs out
    of memory kills at random; CPU has no limit, because a throttled service fails its callers."""

    cpu: Quantity = Field(default="100m", description="Requested CPU.")
    memory: Quantity = Field(default="256Mi", description="Requested memory, and its limit.")
    cpu_limit: Quantity | None = Field(
        default=None, description="A CPU limit, if there must be one."
    )
    memory_limit: Quantity | None = Field(default=None, description="A limit above the request.")
    disk: Quantity | None = Field(default=None, description="Requested ephemeral storage.")
    gpu: Count = Field(default=0, description="NVIDIA GPUs, each for itself.")


class SidecarResources(Resources):
    """What a sidecar asks for; less than a service by default."""

    cpu: Quantity = Field(default="20m", description="Requested CPU.")
    memory: Quantity = Field(default="64Mi", description="Requested memory, and its limit.")


class InitContainer(Words):
    """A program that must end well before the service starts, such as a migration."""

    image: Image | None = Field(default=None, description="The service's own image by default.")
    command: list[Text] = Field(description="The program.")
    args: list[Text] = Field(default_factory=list, description="Its arguments.")
    env: dict[Variable, Text] = Field(
        default_factory=dict, description="Variables beside the service's."
    )


class Sidecar(Words):
    """A program that runs beside the service for as long as it does: it starts before the service
    and ends after it. It sees the same volumes and files."""

    image: Image = Field(description="Its image, with a tag or digest.")
    command: list[Text] = Field(default_factory=list, description="The program.")
    args: list[Text] = Field(default_factory=list, description="Its arguments.")
    env: dict[Variable, Text] = Field(default_factory=dict, description="Its variables.")
    secrets: dict[Variable, Text] = Field(
        default_factory=dict, description="Its variables from secrets, as secret/key."
    )
    port: Port | None = Field(default=None, description="A port it listens on.")
    health: AbsolutePath | None = Field(
        default=None, description="HTTP path on its port that answers 200 when it is ready."
    )
    resources: SidecarResources = Field(
        default_factory=SidecarResources, description="What it asks for."
    )
    user: int | None = Field(default=None, ge=1, description="Numeric user.")
