"""Controllers that look at everything all the time, called only when that could change anything."""

from kiban.rehearsal.pacing.autoscaler import PacedAutoscaler

__all__ = ["PacedAutoscaler"]
