"""Why a node cannot take a pod, and in whose words; why none can."""

from collections import Counter
from functools import cached_property
from typing import NamedTuple

from kiban.cluster.scheduler.messages import NO_VICTIMS, NOT_HELPFUL, failure, summary


class Rejection(NamedTuple):
    """`is_final` when removing pods from the node would not help."""

    filter: str
    reasons: tuple[str, ...]
    is_final: bool = False


class Refusals(dict[int, Rejection]):
    """The rejection of every node by its seat, in the order in which they are tried; not changed
    once it is complete, for pods that ask for the same are refused alike."""

    @cached_property
    def causes(self) -> tuple[str, ...]:
        """The filters that rejected, each once."""
        return tuple(dict.fromkeys(rejection.filter for rejection in self.values()))

    @cached_property
    def reasons(self) -> Counter[str]:
        """How many nodes each reason is given for."""
        return Counter(reason for rejection in self.values() for reason in rejection.reasons)

    @cached_property
    def open_places(self) -> tuple[int, ...]:
        """Where removing pods could help."""
        return tuple(at for at, rejection in self.items() if not rejection.is_final)

    @cached_property
    def without_victims(self) -> str:
        """What preemption says where no pod is of lower priority."""
        helpful = len(self.open_places)
        return summary(len(self), {NOT_HELPFUL: len(self) - helpful, NO_VICTIMS: helpful})

    def message(self, preemption: str) -> str:
        """The whole message with preemption's answer."""
        text = self._messages.get(preemption)
        if text is None:
            text = self._messages[preemption] = failure(len(self), self.reasons, preemption)
        return text

    @cached_property
    def _messages(self) -> dict[str, str]:
        return {}
