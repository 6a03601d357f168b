"""Plan before merge: what a commit would do to every cluster, from the files alone, for the people
who review it and for the machine that applies it later."""

from kiban.delivery.planning.proposal import (
    EnvironmentPlan,
    ObjectPlan,
    Proposal,
    Rehearsed,
    Stage,
)
from kiban.delivery.planning.proposing import proposed

__all__ = ["EnvironmentPlan", "ObjectPlan", "Proposal", "Rehearsed", "Stage", "proposed"]
