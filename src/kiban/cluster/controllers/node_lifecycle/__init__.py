"""Nodes that fall silent: their conditions, their taints, the pods on them."""

from kiban.cluster.controllers.node_lifecycle.controller import MONITOR, NodeLifecycleController
from kiban.cluster.controllers.node_lifecycle.health import Heartbeats

__all__ = ["MONITOR", "Heartbeats", "NodeLifecycleController"]
