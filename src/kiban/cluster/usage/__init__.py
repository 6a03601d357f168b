"""What pods use and what services are asked, as values: measured outside, read by the autoscaler
and by whoever asks the API (`kubectl top`)."""

from kiban.cluster.usage.measurements import (
    ContainerUsage,
    Measurements,
    MetricsView,
    PodUsage,
    ServiceLoad,
)

__all__ = ["ContainerUsage", "Measurements", "MetricsView", "PodUsage", "ServiceLoad"]
