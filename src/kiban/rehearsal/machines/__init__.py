"""Modelled machines: kubelets without processes."""

from kiban.rehearsal.machines.conduct import (
    Conduct,
    Farewell,
    Life,
    ModelledConduct,
    ServiceModel,
)
from kiban.rehearsal.machines.machines import Hearer, Machines

__all__ = [
    "Conduct",
    "Farewell",
    "Hearer",
    "Life",
    "Machines",
    "ModelledConduct",
    "ServiceModel",
]
