"""A wanted object with its named entries in the order of the live one.

Variables, ports and volumes are known by name, and the compiler writes them in its own order. To a
Deployment another order is another pod template, and every pod would restart for nothing; so what
runs keeps its order. Where order means something, the wanted one stays.
"""

from typing import Any

from kiban.delivery.compare import kind_info
from kiban.kube.objects import Manifest
from kiban.kube.schema import ANYTHING, Shape, shape_of

# Run one after the other.
_ORDERED = frozenset(("initContainers",))


def in_live_order(desired: Manifest, live: Manifest) -> Manifest:
    """The same object; its entries as the live one has them, new ones last."""
    info = kind_info(desired)
    if info is None:
        return desired
    found: Manifest = _placed(desired, live, shape_of(info), "")
    return found


def _placed(desired: Any, live: Any, shape: Shape, name: str) -> Any:
    if isinstance(desired, dict) and isinstance(live, dict):
        return {
            key: _placed(value, live[key], shape.child(key) or ANYTHING, key)
            if key in live
            else value
            for key, value in desired.items()
        }
    if not (isinstance(desired, list) and isinstance(live, list)):
        return desired
    if shape.relation != "map" or not shape.keys or name in _ORDERED or _refers(desired, name):
        return desired
    inside = shape.items or ANYTHING
    there = {_identity(entry, shape): place for place, entry in enumerate(live)}
    placed = [
        (there.get(_identity(entry, shape), len(live) + place), entry)
        for place, entry in enumerate(desired)
    ]
    placed.sort(key=lambda item: item[0])
    return [
        _placed(entry, live[place], inside, name) if place < len(live) else entry
        for place, entry in placed
    ]


def _refers(entries: list[Any], name: str) -> bool:
    """Whether a variable is made of another one, which must then stand before it."""
    return name == "env" and any("$(" in str(entry.get("value", "")) for entry in entries)


def _identity(entry: Any, shape: Shape) -> tuple[Any, ...]:
    return tuple(entry.get(key, shape.key_default(key)) for key in shape.keys)
