"""A day of production before it happens: the cluster's own controllers on a virtual clock, with
modelled machines, traffic and cloud."""

from kiban.rehearsal.machines import ServiceModel
from kiban.rehearsal.observations import Observations
from kiban.rehearsal.running import Case, rehearse_once
from kiban.rehearsal.world import Settings, World

__all__ = ["Case", "Observations", "ServiceModel", "Settings", "World", "rehearse_once"]
