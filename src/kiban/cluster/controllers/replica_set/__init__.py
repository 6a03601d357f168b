"""Keeps as many pods of one template as a ReplicaSet asks for."""

from kiban.cluster.controllers.replica_set.controller import ReplicaSetController

__all__ = ["ReplicaSetController"]
