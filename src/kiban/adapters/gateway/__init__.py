"""The gateway in front of the embedded cluster's pods: a real Envoy, its files, its figures."""

from kiban.adapters.gateway.gateway import Gateway
from kiban.adapters.gateway.statistics import PortStatistics

__all__ = ["Gateway", "PortStatistics"]
