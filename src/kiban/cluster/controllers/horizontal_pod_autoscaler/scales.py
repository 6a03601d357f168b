"""Why an autoscaler cannot read the scale of its target, in the words of the API and its client.

Source: scaleForResourceMappings in pkg/controller/podautoscaler/horizontal.go.
"""

from functools import cache

from kiban.kube.kinds import KindInfo, custom_kinds, standard_kinds
from kiban.kube.objects import GroupKind, Key
from kiban.reconcile.controller import Snapshot

DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")


def refusal_of_scale(key: Key, snapshot: Snapshot) -> str:
    """Why nothing of this kind can be scaled; empty when it can."""
    info = _built_in(key.group_kind)
    if info is not None:
        scales = info.subresource("scale") is not None
        return "" if scales else "the server could not find the requested resource"
    if _defined(key.group_kind, snapshot) is None:
        return f'no matches for kind "{key.kind}" in group "{key.group}"'
    return ""


def no_such_target(key: Key, snapshot: Snapshot) -> str:
    info = _built_in(key.group_kind) or _defined(key.group_kind, snapshot)
    resource = info.resource if info is not None else key.kind.lower()
    return f'{resource} "{key.name}" not found'


@cache
def _built_in(kind: GroupKind) -> KindInfo | None:
    found = standard_kinds().of(kind)
    return found if found is not None and found.type_name else None


def _defined(kind: GroupKind, snapshot: Snapshot) -> KindInfo | None:
    for definition in snapshot.list(DEFINITION):
        names = definition["spec"]["names"]
        if GroupKind(definition["spec"]["group"], names["kind"]) == kind:
            return next(iter(custom_kinds(definition)), None)
    return None
