"""Where gates get their figures: Prometheus, Datadog, CloudWatch, and our own gateway."""

from kiban.adapters.metrics.gateway import GatewayFigures
from kiban.adapters.metrics.sources import MetricSources, open_sources

__all__ = ["GatewayFigures", "MetricSources", "open_sources"]
