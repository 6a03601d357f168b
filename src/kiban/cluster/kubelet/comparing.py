"""Whether a stored status says what the kubelet wants to say, so that it writes only news."""

from typing import Any

# What an API server may leave out; 0 and False are not among them.
_EMPTY: tuple[Any, ...] = (None, "", [], {})


def says_the_same(live: Any, wanted: Any) -> bool:
    """Equal, but for what is empty, which an API server may leave out."""
    if live == wanted or (not live and not wanted and live in _EMPTY and wanted in _EMPTY):
        return True
    if isinstance(live, dict | None) and isinstance(wanted, dict | None):
        left, right = live or {}, wanted or {}
        return all(says_the_same(left.get(key), right.get(key)) for key in {**left, **right})
    if isinstance(live, list) and isinstance(wanted, list) and len(live) == len(wanted):
        return all(map(says_the_same, live, wanted))
    return False
