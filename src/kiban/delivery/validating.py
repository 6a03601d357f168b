"""Asks the API server about everything that a plan will apply, before it applies anything: what an
admission webhook, a quota or a schema refuses is known while nothing has changed yet.

What cannot be asked about yet, because its namespace or its kind comes with the same plan, is held
to the rules of Kubernetes here, as far as its kind is known.
"""

from collections.abc import Container, Iterable, Sequence

from kiban.delivery.changes import Item
from kiban.delivery.compare import as_stored, kind_info
from kiban.delivery.live import Live
from kiban.delivery.messages import DryRun, ObjectAsk, Refused
from kiban.delivery.order import is_definition
from kiban.kube.defaults import default
from kiban.kube.objects import JOB, NAMESPACE, GroupKind, Key, Manifest, get_in
from kiban.kube.validation import Fault, invalid_message, validate_create

INVALID = 422


def dry_runs(items: Iterable[Item], live: Live) -> tuple[ObjectAsk, ...]:
    """The questions about the objects of a plan."""
    found = list(items)
    coming = _coming_kinds(found, live)
    return tuple(
        DryRun(item.key, item.desired)
        for item in found
        if item.desired is not None and _can_be_asked(item.key, coming, live)
    )


def fault_text(items: Iterable[Item], live: Live) -> str:
    """What is wrong with the objects that cannot be asked about; empty when nothing is."""
    found = list(items)
    coming = _coming_kinds(found, live)
    wrong = [
        invalid_message(item.key.group_kind, item.key.name, faults)
        for item in found
        if item.desired is not None
        and not _can_be_asked(item.key, coming, live)
        and (faults := _faults(item.desired))
    ]
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return f"{wrong[0]}{more}" if wrong else ""


def _coming_kinds(items: Iterable[Item], live: Live) -> frozenset[GroupKind]:
    """The kinds that a plan itself defines."""
    return frozenset(
        defined_kind(item.desired)
        for item in items
        if item.desired is not None and is_definition(item.key) and live.get(item.key) is None
    )


def _can_be_asked(key: Key, coming: Container[GroupKind], live: Live) -> bool:
    return key.group_kind not in coming and _is_there(key.namespace, live)


def _faults(manifest: Manifest) -> Sequence[Fault]:
    info = kind_info(manifest)
    if info is None:
        return ()
    try:
        return validate_create(default(as_stored(manifest)), info)
    except (AttributeError, KeyError, TypeError):
        # Not even of the shape of its kind: the server says where.
        return ()


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
