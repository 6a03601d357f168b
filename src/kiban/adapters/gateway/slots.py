"""Which slot of loopback addresses a cluster gets, so that several live side by side.

A slot is held by a bound socket on an address of it that no pod or service ever has: unlike a
lock file it needs no directory that all users can write, and the kernel lets go of it when its
holder dies.
"""

import socket
import sys
from dataclasses import dataclass

from kiban.cluster.networking.addresses import FIRST_SECOND_OCTET, SLOTS, AddressPlan
from kiban.primitives.problems import Exit, KibanError, Problem

_LOCK_PORT = 20470


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that is ours until it is closed."""

    plan: AddressPlan
    _lock: socket.socket | None

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()


def take_slot(preferred: int = 0) -> Slot:
    """The preferred slot, or the next one that nobody on this machine has.

    A cluster that ran before prefers the slot it had: the addresses of its services are in its
    store. Raises `KibanError` when all are taken.
    """
    if sys.platform != "linux":
        # There is one address, and so one cluster with pods of its own addresses.
        return Slot(AddressPlan(0), None)
    for offset in range(SLOTS):
        number = (preferred + offset) % SLOTS
        lock = socket.socket()
        try:
            lock.bind((f"127.{FIRST_SECOND_OCTET + number}.255.255", _LOCK_PORT))
        except OSError:
            lock.close()
            continue
        return Slot(AddressPlan(number), lock)
    raise KibanError(
        Problem(
            "gateway/no-slot",
            f"All {SLOTS} slots of loopback addresses are in use.",
            why="Each embedded cluster on a machine has addresses of its own in 127.0.0.0/8.",
            fix="Stop a cluster that is not needed with `kiban cluster stop`.",
        ),
        Exit.WORLD_FAILED,
    )
