"""Modelled traffic: who asks whom how often, how long it takes, what it costs, what is lost.

Fluid and analytic, as vectors over the services. `TrafficModel` is what a world ticks.
"""

from kiban.rehearsal.traffic.disturbances import Quirk
from kiban.rehearsal.traffic.ledger import Objective
from kiban.rehearsal.traffic.load import Load, LoadPlan
from kiban.rehearsal.traffic.model import TrafficModel
from kiban.rehearsal.traffic.parameters import (
    CallModel,
    DependencyModel,
    ExternalMetric,
    Models,
    ServiceTraits,
)

__all__ = [
    "CallModel",
    "DependencyModel",
    "ExternalMetric",
    "Load",
    "LoadPlan",
    "Models",
    "Objective",
    "Quirk",
    "ServiceTraits",
    "TrafficModel",
]
