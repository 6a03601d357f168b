"""Who belongs to a fleet, and in which order a commit reaches them, as values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """One environment on one cluster. Without a ring it gets every commit at once."""

    environment: str
    cluster: str
    ring: str = ""

    @property
    def name(self) -> str:
        """`prod@tokyo-1`."""
        return f"{self.environment}@{self.cluster}"


@dataclass(frozen=True, slots=True)
class Ring:
    """Clusters that get a commit together, once it has run well in the ring before.

    `at_once` is how many of them at the same time (0: all), `soak_seconds` how long all of them
    must have run it well before the next ring gets it.
    """

    name: str
    at_once: int = 0
    soak_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The rings of a fleet in their order, and its members by name."""

    rings: tuple[Ring, ...]
    members: Mapping[str, Member]

    def in_ring(self, ring: str) -> list[str]:
        """The names of a ring's members, sorted."""
        return sorted(name for name, member in self.members.items() if member.ring == ring)

    def batches(self, names: Sequence[str]) -> Iterator[tuple[Ring, list[list[str]]]]:
        """Rings that have any of these members, each with them in groups that go together."""
        for ring in self.rings:
            chosen = [name for name in self.in_ring(ring.name) if name in names]
            size = ring.at_once or len(chosen)
            if chosen:
                yield ring, [chosen[at : at + size] for at in range(0, len(chosen), size)]
