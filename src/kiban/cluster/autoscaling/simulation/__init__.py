"""Trying out where pods would go, with the scheduler's own filters, and taking it back."""

from kiban.cluster.autoscaling.simulation.fitting import Fitting
from kiban.cluster.autoscaling.simulation.hints import Hints, Move
from kiban.cluster.autoscaling.simulation.trial import Trial

__all__ = ["Fitting", "Hints", "Move", "Trial"]
