"""The objects of a service as a tree: what was delivered, and what grew out of it."""

from collections.abc import Iterable
from typing import Any

from kiban.kube.health import health
from kiban.kube.objects import Manifest, key_of, owners_of, uid_of

# A service with more objects than this is shown in part.
SHOWN = 2_000


def object_tree(objects: Iterable[Manifest]) -> list[dict[str, Any]]:
    """The objects in the order of a tree, each with its depth; owners before what they own."""
    known = {uid_of(each): each for each in objects}
    children: dict[str, list[str]] = {}
    roots = []
    for uid, each in sorted(known.items(), key=lambda item: str(key_of(item[1]))):
        owner = next((o["uid"] for o in owners_of(each) if o["uid"] in known), None)
        if owner is None:
            roots.append(uid)
        else:
            children.setdefault(owner, []).append(uid)
    found: list[dict[str, Any]] = []
    waiting = [(uid, 0) for uid in reversed(roots)]
    while waiting and len(found) < SHOWN:
        uid, depth = waiting.pop()
        verdict = health(known[uid], list(known.values()))
        found.append(
            {
                "object": str(key_of(known[uid])),
                "depth": depth,
                "status": verdict.status,
                "why": verdict.message or verdict.reason,
            }
        )
        waiting += [(child, depth + 1) for child in reversed(children.get(uid, []))]
    return found
