"""How a Deployment's new pods take over, read from its annotation."""

import json
from dataclasses import dataclass
from math import ceil
from typing import Literal

from kiban.compiler.rollout import ROLLOUT_ANNOTATION
from kiban.kube.objects import Manifest, annotations_of


@dataclass(frozen=True, slots=True)
class Policy:
    """`shares` are percentages of the traffic, one for each stage. With `by_weight` routes make
    them, otherwise the number of pods. With `gates` the environment's gates are asked."""

    strategy: Literal["canary", "blue-green"]
    shares: tuple[int, ...]
    pause_seconds: float
    gates: bool
    by_weight: bool

    @property
    def switches(self) -> bool:
        """Whether addresses lead to one kind of pods only, until it is decided."""
        return self.by_weight or self.strategy == "blue-green"

    def pods(self, stage: int, size: int) -> int:
        """How many new pods a stage needs beside so many old ones, and no more."""
        share = self.shares[stage]
        if self.strategy == "blue-green":
            return size
        if self.by_weight:
            return max(1, ceil(size * share / 100))
        # With so many more pods the new ones get their share of connections.
        return max(1, round(size * share / (100 - share)))


def policy_of(manifest: Manifest) -> Policy | None:
    """The policy of a Deployment; None for one that rolls, or whose policy makes no sense."""
    text = annotations_of(manifest).get(ROLLOUT_ANNOTATION)
    if not text or manifest["kind"] != "Deployment":
        return None
    try:
        data = json.loads(text)
        shares = tuple(int(share) for share in data["shares"])
        found = Policy(
            data["strategy"], shares, float(data["pauseSeconds"]),
            bool(data["gates"]), data["by"] == "weights",
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return None
    return found if shares and found.strategy in ("canary", "blue-green") else None
