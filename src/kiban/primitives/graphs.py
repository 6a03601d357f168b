"""Directed graphs as `{node: {nodes it needs}}`: order, waves, and the cycle that prevents both."""

from collections.abc import Iterable, Mapping


def waves(needs: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups that may run together, each after the groups before it; names sorted inside a group.

    A need that is no node of the graph is ignored. Raises `ValueError` naming a cycle.
    """
    left = {node: {need for need in wants if need in needs} for node, wants in needs.items()}
    found: list[list[str]] = []
    while left:
        ready = sorted(node for node, wants in left.items() if not wants)
        if not ready:
            raise ValueError("the graph has a cycle: " + " -> ".join(cycle(left)))
        found.append(ready)
        for node in ready:
            del left[node]
        for wants in left.values():
            wants.difference_update(ready)
    return found


def cycle(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """One cycle as a path that ends where it began, the smallest name first; empty if none."""
    done: set[str] = set()
    for start in sorted(needs):
        path: list[str] = []
        if found := _search(start, needs, path, done):
            return found
    return []


def _search(
    node: str, needs: Mapping[str, Iterable[str]], path: list[str], done: set[str]
) -> list[str]:
    if node in path:
        loop = path[path.index(node) :]
        first = loop.index(min(loop))
        return [*loop[first:], *loop[:first], loop[first]]
    if node in done or node not in needs:
        return []
    path.append(node)
    for need in sorted(needs[node]):
        if found := _search(need, needs, path, done):
            return found
    path.pop()
    done.add(node)
    return []


def everything_needed(node: str, needs: Mapping[str, Iterable[str]]) -> set[str]:
    """All that a node needs, directly or not, without itself unless it is on a cycle."""
    found: set[str] = set()
    open_ = [node]
    while open_:
        for need in needs.get(open_.pop(), ()):
            if need not in found:
                found.add(need)
                open_.append(need)
    return found
