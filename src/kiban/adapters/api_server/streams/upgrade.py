"""From a request for a stream to what it may become, or to the refusal that clients understand.

Clients ask for a WebSocket with `GET`, or for SPDY with `POST` (older ones, and kubectl when
WebSockets are refused or switched off); each names the protocols it speaks, in its own header.
"""

from collections.abc import Sequence

from aiohttp import web

from kiban.adapters.api_server.streams.wires import UPGRADE
from kiban.cluster.api.failures import Failure, bad_request

# One message of a client; kubectl sends at most 32 KiB, others what they like.
MESSAGE_LIMIT_BYTES = 4 * 1024 * 1024


def wants_spdy(received: web.BaseRequest) -> bool:
    return received.headers.get("Upgrade", "").lower() == UPGRADE.lower()


def spdy_protocol(received: web.BaseRequest, protocols: Sequence[str]) -> str:
    """The client's first protocol that is among these. Raises the refusal when there is none."""
    offered = _listed(received, "X-Stream-Protocol-Version")
    for protocol in offered:
        if protocol in protocols:
            return protocol
    asked, served = ", ".join(offered) or "none", ", ".join(protocols)
    message = f"unable to upgrade: unable to negotiate protocol: client supports {asked}"
    raise Failure(403, "Forbidden", f"{message}; server accepts {served}")


def check_upgrade(
    received: web.BaseRequest, protocols: Sequence[str], *, unnamed: bool = False
) -> None:
    """Raise the refusal of a request that no WebSocket with one of these protocols can answer.

    With `unnamed`, a client may also name no protocol at all.
    """
    upgrade = received.headers.get("Upgrade", "").lower()
    if not upgrade:
        raise bad_request("Upgrade request required")
    offered = _listed(received, "Sec-WebSocket-Protocol")
    served = ", ".join(protocols)
    if upgrade != "websocket" or received.method != "GET":
        raise bad_request(
            f"unable to upgrade: served are WebSocket, with one of {served}, and {UPGRADE}"
        )
    if not set(offered) & set(protocols) and not (unnamed and not offered):
        asked = ", ".join(offered) or "none"
        raise bad_request(f"unable to upgrade: asked for {asked}, served are {served}")


async def opened(received: web.BaseRequest, protocols: Sequence[str]) -> web.WebSocketResponse:
    """The WebSocket, in the client's first protocol that is among these."""
    socket = web.WebSocketResponse(
        protocols=protocols, max_msg_size=MESSAGE_LIMIT_BYTES, compress=False
    )
    await socket.prepare(received)
    return socket


def container_not_found(container: str) -> Failure:
    """What the kubelet says of a container without a process."""
    return Failure(
        500, "InternalError", f'Internal error occurred: container not found ("{container}")'
    )


def _listed(received: web.BaseRequest, header: str) -> list[str]:
    values = received.headers.getall(header, ())
    return [part.strip() for value in values for part in value.split(",")]
