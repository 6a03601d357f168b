"""A second opinion: requests one by one through queues with several servers each, in order of
events. Slow, and with no formula in it."""

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random

Draw = Callable[[Random], float]


def exponential(mean: float) -> Draw:
    return lambda dice: dice.expovariate(1.0 / mean)


def hyperexponential(mean: float) -> Draw:
    """Squared coefficient of variation 3: mostly short, sometimes long."""
    share = 0.5 * (1.0 + 0.5**0.5)
    short, long = mean / (2.0 * share), mean / (2.0 * (1.0 - share))
    return lambda dice: dice.expovariate(1.0 / (short if dice.random() < share else long))


@dataclass
class Seen:
    """What was measured: the mean wait, and the sorted times from arrival to answer."""

    wait: float
    responses: list[float]

    def quantile(self, share: float) -> float:
        return self.responses[int(share * len(self.responses))]


def simulate(
    rate: float, service: Draw, *, pods: int, workers: int, requests: int, seed: int = 7
) -> Seen:
    """Requests that choose one of the pods by chance and wait there for a worker."""
    dice = Random(seed)
    free: list[list[float]] = [[0.0] * workers for _ in range(pods)]
    now = 0.0
    waits, responses = 0.0, []
    for number in range(requests):
        now += dice.expovariate(rate)
        pod = free[dice.randrange(pods)]
        begin = max(now, heappop(pod))
        took = service(dice)
        heappush(pod, begin + took)
        if number >= requests // 10:
            waits += begin - now
            responses.append(begin - now + took)
    return Seen(waits / len(responses), sorted(responses))
