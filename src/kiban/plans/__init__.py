"""Everything that acts is a plan: steps and gates in an order, a lease, and the journal that knows
of each before it happens. The runner is a state machine that is told the time; what a step means
is the business of whoever made the plan."""

from kiban.plans.plan import Gate, Lease, Plan, Step
from kiban.plans.records import (
    Entry,
    Event,
    GateAnswered,
    PlanClosed,
    PlanOpened,
    Record,
    StepMoved,
)
from kiban.plans.run import Ask, PlanRun, Result

__all__ = [
    "Ask",
    "Entry",
    "Event",
    "Gate",
    "GateAnswered",
    "Lease",
    "Plan",
    "PlanClosed",
    "PlanOpened",
    "PlanRun",
    "Record",
    "Result",
    "Step",
    "StepMoved",
]
