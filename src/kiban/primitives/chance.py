"""All the randomness there is: named streams drawn from one seed.

A stream depends on the seed and its own name only, so a new consumer of chance never changes
what another one draws. With the same seed a rehearsal gives the same names, the same order and
the same event log.
"""

import random
from hashlib import blake2b

# The letters of generated names: no vowels, no look-alikes (apimachinery/pkg/util/rand).
SAFE_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
# What is drawn from, for those who are handed one.
Stream = random.Random


class Chance:
    """A seed and the streams drawn from it so far."""

    def __init__(self, seed: int | str) -> None:
        self.seed = str(seed)
        self._streams: dict[str, random.Random] = {}

    def stream(self, name: str) -> random.Random:
        """The stream of that name; the same object each time, so draws continue."""
        found = self._streams.get(name)
        if found is None:
            digest = blake2b(f"{self.seed}/{name}".encode(), digest_size=16).digest()
            found = self._streams[name] = random.Random(int.from_bytes(digest))
        return found

    def uid(self) -> str:
        """A version 4 UUID from the stream `uid`."""
        bits = self.stream("uid").getrandbits(128)
        bits = bits & ~(0xF << 76) | (4 << 76)
        bits = bits & ~(0x3 << 62) | (0x2 << 62)
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def suffix(self, length: int = 5) -> str:
        """The random end of a generated name."""
        return "".join(self.stream("names").choices(SAFE_LETTERS, k=length))
