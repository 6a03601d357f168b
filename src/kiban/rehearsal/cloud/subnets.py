"""The addresses of a subnet: single ones, and whole blocks of sixteen (/28) for prefixes.

AWS keeps five addresses of every subnet. Single addresses are handed out scattered, so that a
subnet with room left may have no whole block any more: that is when prefix mode fails with
`InsufficientCidrBlocks`.
"""

from collections.abc import Sequence
from ipaddress import ip_network

from kiban.primitives.chance import Chance

BLOCK = 16
RESERVED = 5


class Subnet:
    """Counts of the addresses in use, block by block."""

    def __init__(self, name: str, cidr: str, chance: Chance) -> None:
        self.name = name
        self.size = ip_network(cidr).num_addresses
        blocks = max(self.size // BLOCK, 1)
        # The first four addresses and the last one are AWS's.
        self._used = [0] * blocks
        self._used[0] += RESERVED - 1
        self._used[-1] += 1
        self._prefixes: dict[int, None] = {}
        self._random = chance.stream(f"subnet/{name}")
        self._in_use = RESERVED

    @property
    def free(self) -> int:
        return self.size - self._in_use

    @property
    def in_use(self) -> int:
        """Addresses taken by somebody, AWS's own left out."""
        return self._in_use - RESERVED

    def take(self, count: int) -> list[int] | None:
        """So many single addresses, each as the number of its block; None when there are too
        few, and then nothing is taken."""
        if count > self.free:
            return None
        return [self._take_one() for _ in range(count)]

    def _take_one(self) -> int:
        size = min(BLOCK, self.size)
        open_ = [at for at in self._window() if self._used[at] < size and at not in self._prefixes]
        at = open_[self._random.randrange(len(open_))] if open_ else self._first_open()
        self._used[at] += 1
        self._in_use += 1
        return at

    def _window(self) -> Sequence[int]:
        """Blocks to draw from: all, or some at random of a large subnet."""
        count = len(self._used)
        if count <= 64:
            return range(count)
        return [self._random.randrange(count) for _ in range(8)]

    def _first_open(self) -> int:
        size = min(BLOCK, self.size)
        return next(
            at
            for at in range(len(self._used))
            if self._used[at] < size and at not in self._prefixes
        )

    def give_back(self, blocks: Sequence[int]) -> None:
        for at in blocks:
            self._used[at] -= 1
        self._in_use -= len(blocks)

    def take_prefix(self) -> int | None:
        """A whole block; None when none is left, however many single addresses there are."""
        for at, used in enumerate(self._used):
            if not used and at not in self._prefixes:
                self._prefixes[at] = None
                self._used[at] = BLOCK
                self._in_use += BLOCK
                return at
        return None

    def give_back_prefix(self, at: int) -> None:
        del self._prefixes[at]
        self._used[at] = 0
        self._in_use -= BLOCK

    def whole_blocks(self) -> int:
        """Blocks that a prefix could be given."""
        return sum(not used for used in self._used)
