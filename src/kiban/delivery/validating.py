"""Asks the API server about everything that a plan will apply, before it applies anything: what an
admission webhook, a quota or a schema refuses is known while nothing has changed yet.

What cannot be asked about yet (its namespace or its kind comes with the same plan) is passed over.
"""

from collections.abc import Iterable

from kiban.delivery.changes import Item
from kiban.delivery.live import Live
from kiban.delivery.messages import DryRun, ObjectAsk, Refused
from kiban.delivery.order import is_definition
from kiban.kube.objects import JOB, NAMESPACE, GroupKind, Key, Manifest, get_in

INVALID = 422


def dry_runs(items: Iterable[Item], live: Live) -> tuple[ObjectAsk, ...]:
    """The questions about the objects of a plan."""
    found = list(items)
    coming = {
        defined_kind(item.desired)
        for item in found
        if item.desired is not None and is_definition(item.key) and live.get(item.key) is None
    }
    return tuple(
        DryRun(item.key, item.desired)
        for item in found
        if item.desired is not None
        and item.key.group_kind not in coming
        and _is_there(item.key.namespace, live)
    )


def is_acceptable(asked: DryRun, answer: Refused) -> bool:
    """Whether a refusal says nothing against the object itself."""
    if answer.code == 409:
        # Fields of others, which are taken back or left when it comes to that.
        return True
    if asked.key.group_kind == JOB and answer.code == INVALID:
        # Made anew; `sync` says so when it does.
        return "immutable" in answer.message
    # A webhook with side effects cannot be asked.
    return "dry run" in answer.message.lower() and answer.code in (400, 500)


def defined_kind(definition: Manifest) -> GroupKind:
    """The kind that a CustomResourceDefinition makes."""
    return GroupKind(
        get_in(definition, "spec", "group", default=""),
        get_in(definition, "spec", "names", "kind", default=""),
    )


def _is_there(namespace: str, live: Live) -> bool:
    if not namespace:
        return True
    return live.get(Key(NAMESPACE.group, NAMESPACE.kind, "", namespace)) is not None
