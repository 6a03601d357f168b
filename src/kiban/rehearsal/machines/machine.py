"""One modelled machine: whether it is heard from, and which images it has."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kiban.cluster.cluster import EPOCH_INSTANT
from kiban.primitives.instants import Instant, later
from kiban.rehearsal.agenda import Act


@dataclass(slots=True)
class Machine:
    """A node's machine. Acts that fall due while it is silent wait until it is back."""

    name: str
    zone: str = ""
    is_alive: bool = True
    images: dict[str, Instant] = field(default_factory=dict)
    waiting: list[Act] = field(default_factory=list)
    pods: dict[str, None] = field(default_factory=dict)
    _pulls_until: Instant = EPOCH_INSTANT

    def pulled(self, images: Mapping[str, int], now: Instant, bytes_a_second: float) -> Instant:
        """When all these images are here. A kubelet pulls one at a time (serializeImagePulls)."""
        done = now
        for image, size in images.items():
            at = self.images.get(image)
            if at is None:
                begin = max(now, self._pulls_until)
                at = self._pulls_until = self.images[image] = later(begin, size / bytes_a_second)
            done = max(done, at)
        return done
