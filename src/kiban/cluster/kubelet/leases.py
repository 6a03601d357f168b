"""Which pod has which address.

Addresses are handed out in turn, so that one that was just given back is the last to be used
again: late packets and cached connections do not reach a stranger.
"""

from kiban.cluster.networking.addresses import POD_ADDRESSES, AddressPlan


class AddressLeases:
    """The pod addresses of one cluster that are in use."""

    def __init__(self, plan: AddressPlan) -> None:
        self._plan = plan
        self._next = 0
        self._by_uid: dict[str, str] = {}
        self._taken: dict[str, str] = {}

    def take(self, uid: str, wanted: str = "") -> str:
        """An address for a pod: the one it had, when that is one of ours and free."""
        if uid in self._by_uid:
            return self._by_uid[uid]
        address = wanted if self._is_free_here(wanted) else self._next_free()
        self._by_uid[uid], self._taken[address] = address, uid
        return address

    def release(self, uid: str) -> None:
        address = self._by_uid.pop(uid, None)
        if address is not None:
            del self._taken[address]

    def _is_free_here(self, address: str) -> bool:
        first = self._plan.pod_address(0).rpartition(".")[0].rpartition(".")[0]
        ours = address.startswith(f"{first}.") and not self._plan.is_service_address(address)
        return ours and address not in self._taken

    def _next_free(self) -> str:
        assert len(self._taken) < POD_ADDRESSES, "every pod address is in use"
        while True:
            address = self._plan.pod_address(self._next)
            self._next = (self._next + 1) % POD_ADDRESSES
            if address not in self._taken:
                return address
