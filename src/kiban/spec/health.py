"""How a cluster tells that a program can serve, and that it is dead."""

from pydantic import Field

from kiban.spec.words import (
    AbsolutePath,
    Count,
    Port,
    Span,
    Text,
    Words,
)


class Health(Words):
    """How to tell that an instance can serve. Liveness is off unless asked for: a liveness probe
    that fails under load turns a slow service into a dead one."""

    path: AbsolutePath | None = Field(
        default=None, description="HTTP path that answers 200 when ready."
    )
    port: Port | None = Field(
        default=None, description="Port to ask; the service's own by default."
    )
    command: list[Text] | None = Field(
        default=None, description="A program that exits 0 when ready."
    )
    grpc: bool = Field(
        default=False, description="Ask by the gRPC health protocol instead of HTTP."
    )
    tcp: bool = Field(default=False, description="Only see whether the port can be reached.")
    startup: Span = Field(default=60.0, description="How long an instance may take to start.")
    liveness: AbsolutePath | None = Field(
        default=None,
        description="Restart an instance when this path fails. It must ask no dependency.",
    )
    liveness_command: list[Text] | None = Field(
        default=None, description="Or when this program fails, for those without a port."
    )
    interval: Span = Field(default=5.0, description="Time between two readiness probes.")
    timeout: Span = Field(default=2.0, description="Time after which a probe has failed.")
    failures: Count = Field(default=3, description="Failed probes in a row until not ready.")
