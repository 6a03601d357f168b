"""A view of the cluster on which things are tried: after `fork`, every change can be taken back.

Nodes have seats, and a seat outlives its node: what the scheduler's boards know of the other
seats stays true when a node comes or goes, so that trying a thousand removals costs what changes
and not a thousand views.
"""

from collections.abc import Callable

from kiban.cluster.scheduler.node_info import NodeInfo, PodInfo
from kiban.cluster.scheduler.view import View
from kiban.kube.objects import Key, Manifest

# Seats are added in such numbers, or half as many again as there are.
FEWEST_NEW_SEATS = 8
# Nobody sits here: no labels, no room, so every filter says no.
EMPTY = NodeInfo("")


class Trial(View):
    """A `View` with an undo. Without a fork, changes are for good."""

    def __init__(self) -> None:
        super().__init__()
        self._free: list[int] = []
        self._forks: list[int] = []
        self._undo: list[Callable[[], object]] = []

    # Forks

    def fork(self) -> None:
        """From here on, changes may be taken back."""
        self._forks.append(len(self._undo))

    def revert(self) -> None:
        """Take back everything since the last fork."""
        mark = self._forks.pop()
        undone, self._undo = self._undo[mark:], self._undo[:mark]
        forks, self._forks = self._forks, []
        for act in reversed(undone):
            act()
        self._forks = forks

    def commit(self) -> None:
        """Keep everything since the last fork; an outer fork may still take it back."""
        self._forks.pop()
        if not self._forks:
            self._undo.clear()

    def _remember(self, act: Callable[[], object]) -> None:
        if self._forks:
            self._undo.append(act)

    # Nodes

    def put_node(self, node: Manifest) -> None:
        name = node["metadata"]["name"]
        info = self._info(name)
        before = info.node
        info.describe(node)
        if before is None:
            self._seat(name, info)
            self._remember(lambda: self._unseat(name))
        else:
            self._note(name)
            self._remember(lambda: self.put_node(before))

    def drop_node(self, name: str) -> None:
        info = self.info(name)
        if info is None or info.node is None:
            return
        node = info.node
        self._unseat(name)
        self._remember(lambda: self.put_node(node))

    def settle(self) -> None:
        """Seats need no order."""

    def _seat(self, name: str, info: NodeInfo) -> None:
        if not self._free:
            count = len(self.order)
            more = max(FEWEST_NEW_SEATS, count // 2)
            self.order += [EMPTY] * more
            self._free = list(range(count + more - 1, count - 1, -1))
            self.renew()
        at = self._free.pop()
        self.order[at] = info
        self.index[name] = at
        self._note(name)

    def _unseat(self, name: str) -> None:
        at = self.index[name]
        self.order[at] = EMPTY
        self._note(name)
        del self.index[name]
        self._free.append(at)
        info = self._infos[name]
        info.node = None
        if not info.pods:
            del self._infos[name]

    # Pods

    def put_pod(self, pod: PodInfo, node: str) -> None:
        super().put_pod(pod, node)
        self._remember(lambda: View.drop_pod(self, pod.key))

    def drop_pod(self, key: Key) -> PodInfo | None:
        node = self.place_of(key)
        pod = super().drop_pod(key)
        if node is None or pod is None:
            return None
        self._remember(lambda: View.put_pod(self, pod, node))
        return pod

    def pod(self, key: Key) -> PodInfo | None:
        """What is known of a pod that counts somewhere."""
        node = self.place_of(key)
        return self._infos[node].pods.get(key) if node is not None else None

    def names(self) -> list[str]:
        """The nodes that are there, by name."""
        return sorted(self.index)
