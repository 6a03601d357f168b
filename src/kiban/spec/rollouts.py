"""How a new release takes over from the one before, as people write it."""

from typing import Literal

from pydantic import Field

from kiban.spec.words import Percent, Span, Words


class Rollout(Words):
    """How a service's new pods take over.

    A canary gets its shares one after the other, each after a pause in which the release must
    show that it is good; blue-green starts all new pods beside the old ones and then switches.
    Where that fails, the old pods get everything back at once.
    """

    strategy: Literal["rolling", "canary", "blue-green", "recreate"] = Field(
        default="rolling",
        description="`rolling` replaces pod by pod, as Kubernetes does; `recreate` ends all pods "
        "before it starts the new ones, for what must never run twice.",
    )
    steps: list[Percent] = Field(
        default_factory=list, description="Shares of a canary, growing; 10% and 50% by default."
    )
    pause: Span = Field(default=60.0, description="How long each step must go well.")
    gates: bool = Field(
        default=True, description="Ask the environment's gates about the new pods at each step."
    )
    by: Literal["weights", "replicas"] | None = Field(
        default=None,
        description="What makes the share: the weights of its routes, which is the default where "
        "there are any, or the number of pods.",
    )
