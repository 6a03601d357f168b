"""What a running `kiban up` does about releases by itself: it watches them, takes bad ones back,
and brings good ones further."""

from kiban.wiring.tending.house import House
from kiban.wiring.tending.tend import tend

__all__ = ["House", "tend"]
