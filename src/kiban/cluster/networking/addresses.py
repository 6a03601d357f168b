"""Which loopback addresses an embedded cluster uses, for pods and for services.

On Linux every address of 127.0.0.0/8 can be bound without root. Each cluster on a machine has a
slot, and with it 127.(16+slot).0.0/16: pods in .0.1 to .239.254, services in .240.1 to .255.254.
A service's address follows from its name, so that it survives deletion and re-creation.
Elsewhere (macOS) only 127.0.0.1 answers; there pods would need a port each, which is not built.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from hashlib import blake2b

SLOTS = 100
FIRST_SECOND_OCTET = 16
# Hosts .1 to .254: programs that know about /24 networks shy away from .0 and .255.
HOSTS_PER_BLOCK = 254
FIRST_SERVICE_BLOCK = 240
LAST_BLOCK = 255
POD_ADDRESSES = FIRST_SERVICE_BLOCK * HOSTS_PER_BLOCK
SERVICE_ADDRESSES = (LAST_BLOCK - FIRST_SERVICE_BLOCK + 1) * HOSTS_PER_BLOCK
PRIVILEGED_PORT_OFFSET = 20_000


@dataclass(frozen=True, slots=True)
class AddressPlan:
    """The addresses of one slot (0 to 99)."""

    slot: int

    def __post_init__(self) -> None:
        assert 0 <= self.slot < SLOTS, f"slot {self.slot} is not below {SLOTS}"

    @property
    def service_cidr(self) -> str:
        return f"127.{FIRST_SECOND_OCTET + self.slot}.{FIRST_SERVICE_BLOCK}.0/20"

    @property
    def pod_cidr(self) -> str:
        """The network that holds all pods; its last /20 belongs to services."""
        return f"127.{FIRST_SECOND_OCTET + self.slot}.0.0/16"

    def pod_address(self, index: int) -> str:
        """The address of the pod with that index, from 0 to `POD_ADDRESSES` - 1."""
        assert 0 <= index < POD_ADDRESSES, f"pod index {index} is not below {POD_ADDRESSES}"
        return self._address(0, index)

    def is_service_address(self, address: str) -> bool:
        first, second, block, _ = (int(part) for part in address.split("."))
        in_slot = (first, second) == (127, FIRST_SECOND_OCTET + self.slot)
        return in_slot and FIRST_SERVICE_BLOCK <= block <= LAST_BLOCK

    def moved(self, address: str) -> str:
        """The same place in this slot of an address in any slot; other addresses as they are."""
        parts = address.split(".")
        if len(parts) != 4 or parts[0] != "127" or not all(part.isdecimal() for part in parts):
            return address
        if not 0 <= int(parts[1]) - FIRST_SECOND_OCTET < SLOTS:
            return address
        return ".".join(["127", str(FIRST_SECOND_OCTET + self.slot), *parts[2:]])

    def service_candidates(self, namespace: str, name: str) -> Iterator[str]:
        """Every service address, in the order in which this service would like them."""
        digest = blake2b(f"{namespace}/{name}".encode(), digest_size=8).digest()
        start = int.from_bytes(digest) % SERVICE_ADDRESSES
        for offset in range(SERVICE_ADDRESSES):
            yield self._address(FIRST_SERVICE_BLOCK, (start + offset) % SERVICE_ADDRESSES)

    def service_address(self, namespace: str, name: str, taken: Container[str]) -> str | None:
        """The first address this service likes that is not taken; None when all are."""
        candidates = self.service_candidates(namespace, name)
        return next((address for address in candidates if address not in taken), None)

    def _address(self, first_block: int, index: int) -> str:
        block, host = divmod(index, HOSTS_PER_BLOCK)
        return f"127.{FIRST_SECOND_OCTET + self.slot}.{first_block + block}.{host + 1}"


def listening_port(port: int, lowest_port: int) -> int:
    """The port to listen on for a service port.

    Without root a process may not bind ports below `lowest_port` (Linux:
    net.ipv4.ip_unprivileged_port_start, 1024 unless the machine says otherwise). A service's
    port 80 is then found at 20080, and names are rewritten accordingly.
    """
    return port if port >= lowest_port else port + PRIVILEGED_PORT_OFFSET
