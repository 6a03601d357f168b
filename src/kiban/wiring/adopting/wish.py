"""What somebody who adopts asked for."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for. `directories` may say `NAME=DIR`."""

    directories: Sequence[str]
    platform: str = ""
    namespace: str = ""
    with_secrets: bool = False
