"""Whether an object may be created or changed, in the words of kube-apiserver.

The rules are those of k8s.io/kubernetes/pkg/apis/*/validation for the kinds that the platform and
its users touch; kinds without rules of their own have their metadata checked. Objects must have
been read against their schema and completed with defaults before.
"""

from kiban.kube.validation.faults import Fault, invalid_message, status_causes
from kiban.kube.validation.table import (
    validate_create,
    validate_part_update,
    validate_update,
)

__all__ = [
    "Fault",
    "invalid_message",
    "status_causes",
    "validate_create",
    "validate_part_update",
    "validate_update",
]
