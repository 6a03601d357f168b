"""From a request for a stream to an open WebSocket, or to the refusal that clients understand.

kubectl asks for a WebSocket first and, refused, for SPDY; that is refused in words that it shows.
"""

from collections.abc import Sequence

from aiohttp import web

from kiban.cluster.api.failures import Failure, bad_request

# One message of a client; kubectl sends at most 32 KiB, others what they like.
MESSAGE_LIMIT_BYTES = 4 * 1024 * 1024


def check_upgrade(
    received: web.BaseRequest, protocols: Sequence[str], *, unnamed: bool = False
) -> None:
    """Raise the refusal of a request that no WebSocket with one of these protocols can answer.

    With `unnamed`, a client may also name no protocol at all.
    """
    upgrade = received.headers.get("Upgrade", "").lower()
    if not upgrade:
        raise bad_request("Upgrade request required")
    offered = [
        part.strip()
        for value in received.headers.getall("Sec-WebSocket-Protocol", ())
        for part in value.split(",")
    ]
    served = ", ".join(protocols)
    if upgrade != "websocket" or received.method != "GET":
        raise bad_request(f"unable to upgrade: only WebSocket is served, with one of {served}")
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
