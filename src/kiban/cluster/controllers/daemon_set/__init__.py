"""Keeps one pod of a DaemonSet on every node that suits it."""

from kiban.cluster.controllers.daemon_set.controller import DaemonSetController

__all__ = ["DaemonSetController"]
