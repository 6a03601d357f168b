"""Nodes that fall silent: their conditions, their taints, the pods on them."""

from kiban.cluster.controllers.node_lifecycle.controller import NodeLifecycleController

__all__ = ["NodeLifecycleController"]
