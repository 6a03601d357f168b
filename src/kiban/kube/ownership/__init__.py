"""Who owns which field of an object: server-side apply and the tracking of all other writes.

`apply` merges a configuration into a live object on behalf of a manager; `track_update` says what
`managedFields` become after any other write. The rules are those of structured-merge-diff v6 and
of k8s.io/apimachinery/pkg/util/managedfields; a field set is kept in its FieldsV1 form throughout,
so that nothing is parsed or encoded.
"""

from kiban.kube.ownership.applying import Applied, apply
from kiban.kube.ownership.configurations import WrongConfiguration
from kiban.kube.ownership.conflicts import Conflict, FieldConflicts
from kiban.kube.ownership.resets import reset_fields
from kiban.kube.ownership.scaling import owners_after, scale_owners
from kiban.kube.ownership.tracking import same_but_for_times, track_update

__all__ = [
    "Applied",
    "Conflict",
    "FieldConflicts",
    "WrongConfiguration",
    "apply",
    "owners_after",
    "reset_fields",
    "same_but_for_times",
    "scale_owners",
    "track_update",
]
