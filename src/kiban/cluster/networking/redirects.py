"""Where a route sends whoever asks instead of answering, as Ingresses and HTTPRoutes say it.

Source: "Traffic Routing" in the documentation of the AWS load balancer controller (`#{host}`,
`#{port}`, `#{path}`, `#{query}` stand for what was asked for), and the filter `RequestRedirect` of
the Gateway API. One that makes no sense is None: the traffic of the others goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiban.kube.objects import get_in

SAME_PATH = "#{path}"
_SAME = {"host": "#{host}", "port": "#{port}", "protocol": "#{protocol}", "query": "#{query}"}


@dataclass(frozen=True, slots=True)
class Redirect:
    """Empty parts stay as they were asked for. `#{path}` in a path is the path that was asked for
    without its first slash; `prefix` replaces what the route matched. `query` None removes it."""

    code: int = 302
    scheme: str = ""
    host: str = ""
    port: int = 0
    path: str = ""
    prefix: str = ""
    query: str | None = ""


def of_action(action: Mapping[str, Any]) -> Redirect | None:
    """The redirect of an action of a load balancer."""
    said = action.get("redirectConfig")
    if action.get("type") != "redirect" or not isinstance(said, Mapping):
        return None
    parts = {key: _changed(said.get(key), same) for key, same in _SAME.items()}
    path = str(said.get("path") or "")
    _, _, code = str(said.get("statusCode", "")).rpartition("_")
    if not code.isdecimal():
        return None
    return Redirect(
        code=int(code),
        scheme=parts["protocol"].lower(),
        host=parts["host"],
        port=_number(parts["port"]),
        path="" if path == f"/{SAME_PATH}" else path,
        query=None if said.get("query") == "" else parts["query"],
    )


def of_filters(filters: list[dict[str, Any]]) -> Redirect | None:
    """The redirect among the filters of a rule of an HTTPRoute."""
    for filter_ in filters:
        if filter_.get("type") == "RequestRedirect":
            said = filter_.get("requestRedirect") or {}
            return Redirect(
                code=int(said.get("statusCode") or Redirect().code),
                scheme=said.get("scheme") or "",
                host=said.get("hostname") or "",
                port=_number(said.get("port")),
                path=get_in(said, "path", "replaceFullPath", default=""),
                prefix=get_in(said, "path", "replacePrefixMatch", default=""),
            )
    return None


def _changed(value: object, same: str) -> str:
    return "" if value is None or value == same else str(value)


def _number(value: object) -> int:
    text = str(value or "")
    return int(text) if text.isdecimal() else 0
