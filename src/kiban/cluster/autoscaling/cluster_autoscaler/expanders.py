"""Which of several groups grows. Expanders are chained: each keeps its best, lots decide the rest.

Source: expander/{waste,mostpods,leastnodes,price,priority,random} of kubernetes/autoscaler.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import tanh

from kiban.cluster.autoscaling.cluster_autoscaler.estimating import Option
from kiban.cluster.scheduler.node_info import PodInfo
from kiban.cluster.scheduler.requests import amounts
from kiban.kube.objects import get_in
from kiban.primitives.chance import Chance

GIB = 1024**3
# The price expander's view of a pod: dollars per core and GiB and hour (GCE's list when written).
CPU_PRICE, MEMORY_PRICE = 0.033174, 0.004446
# Cores of the node that suits a cluster of at most so many nodes; 32 above.
_PREFERRED = ((2, 1), (6, 2), (20, 4), (60, 8), (200, 16))


@dataclass(frozen=True, slots=True)
class Choice:
    """What expanders may know: the number of nodes there are, and the priorities of groups."""

    nodes: int = 0
    priorities: Mapping[int, Sequence[str]] | None = None


def choose(
    options: Sequence[Option], expanders: Sequence[str], choice: Choice, chance: Chance
) -> Option | None:
    """The option to take; None when there is none."""
    best = list(options)
    for name in expanders:
        if len(best) > 1 and name != "random":
            best = EXPANDERS[name](best, choice)
    if not best:
        return None
    if len(best) == 1:
        return best[0]
    return best[chance.stream("cluster-autoscaler").randrange(len(best))]


def _lowest(options: Sequence[Option], rank: Callable[[Option], float]) -> list[Option]:
    ranks = [round(rank(option), 9) for option in options]
    least = min(ranks)
    return [option for option, own in zip(options, ranks, strict=True) if own == least]


def least_waste(options: Sequence[Option], choice: Choice) -> list[Option]:
    """The groups that leave the least of their cores and memory unused."""
    return _lowest(options, waste)


def waste(option: Option) -> float:
    """The fraction of cores that stays unused, and that of memory, added."""
    size = amounts(get_in(option.group.template, "status", "capacity", default={}))
    total = 0.0
    for name in ("cpu", "memory"):
        there = size.get(name, 0) * option.count
        asked = sum(_asked(pod, name) for pod in option.pods)
        total += (there - asked) / there if there else 0.0
    return total


def most_pods(options: Sequence[Option], choice: Choice) -> list[Option]:
    """The groups that help the most pods."""
    return _lowest(options, lambda option: -len(option.pods))


def least_nodes(options: Sequence[Option], choice: Choice) -> list[Option]:
    """The groups that need the fewest machines."""
    return _lowest(options, lambda option: option.count)


def cheapest(options: Sequence[Option], choice: Choice) -> list[Option]:
    """The groups whose price is lowest against what the pods are worth, near a suitable size."""
    return _lowest(options, lambda option: _price_score(option, choice.nodes))


def by_priority(options: Sequence[Option], choice: Choice) -> list[Option]:
    """The groups whose names match a pattern of the highest priority; all when none does."""
    priorities = choice.priorities or {}
    for priority in sorted(priorities, reverse=True):
        found = [
            option
            for option in options
            if any(re.search(pattern, option.group.name) for pattern in priorities[priority])
        ]
        if found:
            return found
    return list(options)


EXPANDERS: dict[str, Callable[[Sequence[Option], Choice], list[Option]]] = {
    "least-waste": least_waste,
    "most-pods": most_pods,
    "least-nodes": least_nodes,
    "price": cheapest,
    "priority": by_priority,
}


def _asked(pod: PodInfo, name: str) -> int:
    return dict(pod.shape.requests).get(name, 0)


def _price_score(option: Option, nodes: int) -> float:
    cores = amounts(get_in(option.group.template, "status", "capacity", default={})).get("cpu", 0)
    preferred = next((size for most, size in _PREFERRED if nodes <= most), 32) * 1000
    steadying = CPU_PRICE * 0.5 + MEMORY_PRICE * 500 / 1024
    worth = sum(
        CPU_PRICE * _asked(pod, "cpu") / 1000 + MEMORY_PRICE * _asked(pod, "memory") / GIB
        for pod in option.pods
    )
    score = (option.group.price * option.count + steadying) / (worth + steadying)
    unfit = max(preferred / cores, cores / preferred) if cores else 1.0
    # A bad size matters less, the more machines there will be.
    return score * ((unfit - 1) * (1 - tanh((option.count - 1) / 15)) + 1)
