"""The Cluster Autoscaler: grows groups of nodes for pods that wait, removes nodes nobody needs."""

from kiban.cluster.autoscaling.cluster_autoscaler.controller import NAME, SCAN, ClusterAutoscaler
from kiban.cluster.autoscaling.cluster_autoscaler.settings import Limits, ScaleDown, Settings

__all__ = ["NAME", "SCAN", "ClusterAutoscaler", "Limits", "ScaleDown", "Settings"]
