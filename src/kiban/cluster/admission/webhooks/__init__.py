"""Admission webhooks: services outside that complete or refuse objects."""

from kiban.cluster.admission.webhooks.mutating import MUTATING_WEBHOOKS, mutate_by_webhooks
from kiban.cluster.admission.webhooks.validating import VALIDATING_WEBHOOKS, validate_by_webhooks

__all__ = [
    "MUTATING_WEBHOOKS",
    "VALIDATING_WEBHOOKS",
    "mutate_by_webhooks",
    "validate_by_webhooks",
]
