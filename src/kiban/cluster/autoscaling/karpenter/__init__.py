"""Karpenter's rules: single machines of the cheapest type that suits, and consolidation."""

from kiban.cluster.autoscaling.karpenter.controller import NAME, Karpenter
from kiban.cluster.autoscaling.karpenter.objects import definitions, node_pool
from kiban.cluster.autoscaling.karpenter.provider import Launched, LaunchProvider, Offering
from kiban.cluster.autoscaling.karpenter.settings import Settings

__all__ = [
    "NAME",
    "Karpenter",
    "LaunchProvider",
    "Launched",
    "Offering",
    "Settings",
    "definitions",
    "node_pool",
]
