"""An entry of the audit log as one line that people read."""

from typing import Any


def audit_line(entry: dict[str, Any]) -> str:
    """Such as `2026-11-21T12:00:00Z ann create pods shop/cart 201 from 127.0.0.1 (kubectl)`."""
    user = entry["user"].get("username", "somebody unknown")
    actor = entry.get("impersonatedUser", {}).get("username")
    who = f"{user} as {actor}" if actor else user
    time = entry["requestReceivedTimestamp"].partition(".")[0] + "Z"
    code, source = entry["responseStatus"]["code"], entry["sourceIPs"][0]
    agent = entry["userAgent"].partition(" ")[0]
    what = _object(entry.get("objectRef")) or entry["requestURI"]
    return f"{time} {who} {entry['verb']} {what} {code} from {source} ({agent})"


def _object(reference: dict[str, str] | None) -> str:
    if reference is None:
        return ""
    kind = ".".join(filter(None, (reference.get("resource"), reference.get("apiGroup"))))
    if reference.get("subresource"):
        kind += "/" + reference["subresource"]
    name = "/".join(filter(None, (reference.get("namespace"), reference.get("name"))))
    return f"{kind} {name}".strip()
