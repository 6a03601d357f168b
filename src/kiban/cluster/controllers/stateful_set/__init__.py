"""Keeps the numbered pods of a StatefulSet, each with its own name and storage."""

from kiban.cluster.controllers.stateful_set.controller import StatefulSetController

__all__ = ["StatefulSetController"]
