"""Sizes workloads by what their pods use, or by any other figure.

The figures come through the port `Metrics`, so that the gateway's statistics, a metrics server or
a model can feed it.
"""

from kiban.cluster.controllers.horizontal_pod_autoscaler.controller import (
    PERIOD_SECONDS,
    HorizontalPodAutoscalerController,
)
from kiban.cluster.controllers.horizontal_pod_autoscaler.measured import MeasuredMetrics
from kiban.cluster.controllers.horizontal_pod_autoscaler.metrics import (
    NO_METRICS,
    Metrics,
    Sample,
)

__all__ = [
    "NO_METRICS",
    "PERIOD_SECONDS",
    "HorizontalPodAutoscalerController",
    "MeasuredMetrics",
    "Metrics",
    "Sample",
]
