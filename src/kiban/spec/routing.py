"""How people reach a service: its routes."""

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from kiban.spec.words import AbsolutePath, Count, Host, Name, Percent, Port, Span, Text, Words

RedirectCode = Literal[301, 302]


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; write it like 203.0.113.0/24") from error
    return text


Network = Annotated[str, AfterValidator(_network)]


class Redirect(Words):
    """Where whoever asks is sent instead."""

    host: Host | None = Field(default=None, description="Another host; the same by default.")
    path: AbsolutePath | None = Field(default=None, description="Another path.")
    code: RedirectCode = Field(default=301, description="301 for ever, 302 for now.")


class Listener(Words):
    """A port of the service that the world reaches as it is, without HTTP: a network load
    balancer of its own, or on a laptop the address of the service."""

    port: str | None = Field(
        default=None, description="One of `ports`; the service's own by default."
    )
    at: Port | None = Field(
        default=None, description="The port that the world sees; the same by default."
    )
    tls: bool = Field(
        default=False, description="The load balancer speaks TLS, with the cluster's certificate."
    )
    host: Host | None = Field(
        default=None, description="The name that leads to it, or one of the environment's `hosts`."
    )
    internal: bool = Field(default=False, description="Only from inside the cloud's own network.")
    sources: dict[Text, Network] = Field(
        default_factory=dict, description="Networks that may come in, by name; all by default."
    )


class Route(Words):
    """A host and path that reaches the service."""

    host: Host | None = Field(
        default=None,
        description="Host name, or a name from the environment's `hosts`; default: `domain`.",
    )
    path: AbsolutePath = Field(default="/", description="Path prefix.")
    exact: bool = Field(default=False, description="Only this path, and nothing below it.")
    port: str | None = Field(
        default=None, description="One of `ports`; the service's own by default."
    )
    protocol: Literal["http", "http2", "grpc"] = Field(
        default="http", description="What the program speaks."
    )
    timeout: Span | None = Field(default=None, description="Time after which the gateway gives up.")
    weights: dict[Name, Percent] = Field(
        default_factory=dict,
        description="Shares of the requests for other services; the rest is the service's own.",
    )
    redirect: Redirect | None = Field(
        default=None, description="Send whoever asks elsewhere instead of answering."
    )
    rate_limit: Count | None = Field(
        default=None, description="Requests a second from one address; more are refused."
    )
    sources: dict[Text, Network] = Field(
        default_factory=dict, description="Networks that may come in, by name; all by default."
    )
    internal: bool = Field(default=False, description="Only from inside the cloud's own network.")
    sticky: Span | None = Field(
        default=None, description="How long a client comes back to the same instance."
    )
    cdn: bool = Field(default=False, description="Serve it through the content network.")
