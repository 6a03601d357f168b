"""Whether what is looked at again is what was looked at before.

Objects in a snapshot are never changed, so the very same objects say the very same things, and
what was worked out from them still holds.
"""

from collections.abc import Sequence
from operator import is_


def are_the_same(some: Sequence[object], others: Sequence[object]) -> bool:
    """Whether both are the very same objects, in the same order."""
    return len(some) == len(others) and all(map(is_, some, others))
