"""Why a node cannot take a pod, and in whose words."""

from typing import NamedTuple


class Rejection(NamedTuple):
    """`is_final` when removing pods from the node would not help."""

    filter: str
    reasons: tuple[str, ...]
    is_final: bool = False
