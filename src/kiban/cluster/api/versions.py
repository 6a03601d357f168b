"""One object, several versions: it is stored in one and shown in the one that the path names.

Events of the two groups are the same objects; so are autoscalers of the two versions.
"""

from kiban.cluster.api.rendering import Convert
from kiban.cluster.history import Stored
from kiban.kube.conversions import converted
from kiban.kube.kinds import KindInfo, Kinds
from kiban.kube.objects import EVENT, GroupKind, Manifest

_STORED_AS = {GroupKind("events.k8s.io", "Event"): EVENT}


def stored_info(kinds: Kinds, info: KindInfo) -> KindInfo:
    """The version in which objects of this kind are stored: the preferred one."""
    kind = _STORED_AS.get(info.group_kind, info.group_kind)
    return kinds.of(kind) or info


def to_version(kinds: Kinds, info: KindInfo) -> Convert | None:
    """From what is stored to this version; None when they are the same."""
    if stored_info(kinds, info).api_version == info.api_version:
        return None
    return lambda manifest: converted(manifest, info.api_version)


def to_stored(kinds: Kinds, info: KindInfo, manifest: Manifest) -> Manifest:
    return converted(manifest, stored_info(kinds, info).api_version)


def shown_as(stored: Stored, convert: Convert | None) -> Stored:
    """A stored object in another version."""
    return stored if convert is None else Stored(convert(stored.object), stored.revision)
