"""A view of the cluster on which things are tried: after `fork`, every change can be taken back.

A seat outlives its node, so that trying a thousand removals costs what changes and not a thousand
views.
"""

from collections.abc import Callable

from kiban.cluster.scheduler.node_info import PodInfo
from kiban.cluster.scheduler.view import View
from kiban.kube.objects import Key, Manifest


class Trial(View):
    """A `View` with an undo. Without a fork, changes are for good."""

    def __init__(self) -> None:
        super().__init__()
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
        """Nobody asks for an order."""

    # Pods

    def put_pod(self, pod: PodInfo, node: str) -> None:
        super().put_pod(pod, node)
        self._remember(lambda: View.drop_pod(self, pod.key))

    def _exchange(self, pod: PodInfo, node: str) -> bool:
        # What is tried is taken back step by step.
        return not self._forks and super()._exchange(pod, node)

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
