"""Desired state in Git → a converged cluster, wherever that cluster is: compare, plan, apply in
waves, wait for health, prune, heal drift, report. A state machine that is told the time; adapters
read Git, watch the cluster and carry out what it asks."""

from kiban.delivery.delivery import Delivery
from kiban.delivery.marks import FIELD_MANAGER, Scope
from kiban.delivery.messages import Commit, Desired, Undeliverable
from kiban.delivery.preview import Preview, preview
from kiban.delivery.status import DeliveryStatus

__all__ = [
    "FIELD_MANAGER",
    "Commit",
    "Delivery",
    "DeliveryStatus",
    "Desired",
    "Preview",
    "Scope",
    "Undeliverable",
    "preview",
]
