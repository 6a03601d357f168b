"""What a sync would change, for people: one entry per object, field by field, secrets hidden."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from kiban.compiler.bundle import Bundle
from kiban.delivery.changes import Item, blast_problem, masked
from kiban.delivery.follows import follows_of
from kiban.delivery.frozen import REPLACED_KINDS, frozen_fields, may_be_frozen
from kiban.delivery.goal import Goal
from kiban.delivery.live import Live
from kiban.delivery.marks import APPLIED_ANNOTATION, Scope
from kiban.delivery.messages import Commit, Desired, Follow, Listed
from kiban.delivery.secret_values import is_met
from kiban.delivery.surveying import obstacles
from kiban.delivery.sync import secret_key
from kiban.kube.objects import Key, Manifest
from kiban.primitives.differences import MISSING, Difference, dotted
from kiban.primitives.problems import Problem

# `replace` is deleted and made anew, `refuse` cannot be changed so, `run` is a hook.
SIGNS = {"create": "+", "change": "~", "replace": "±", "refuse": "!", "delete": "-", "run": ">"}
_HASH_PATH = ("metadata", "annotations", APPLIED_ANNOTATION)


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """What would happen to one object. For a change, `before` of a difference is what is live."""

    key: Key
    action: Literal["create", "change", "replace", "refuse", "delete", "run"]
    differences: tuple[Difference, ...] = ()

    def lines(self) -> list[str]:
        """`~ Deployment.apps/shop/web` and a line per field."""
        sign = SIGNS[self.action]
        return [f"{sign} {self.key}", *(f"    {_line(entry)}" for entry in self.differences)]

    def as_data(self) -> dict[str, Any]:
        return {
            "object": str(self.key),
            "action": self.action,
            "differences": [
                {"path": dotted(entry.path)}
                | ({} if entry.before is MISSING else {"live": entry.before})
                | ({} if entry.after is MISSING else {"wanted": entry.after})
                for entry in self.differences
            ],
        }


@dataclass(frozen=True, slots=True)
class Preview:
    """A sync that has not happened: its changes, the Secrets it would wait for or make, and what
    stands in its way."""

    changes: tuple[ObjectChange, ...]
    missing_secrets: tuple[Key, ...]
    problems: tuple[Problem, ...]


def needed_lists(bundle: Bundle, scope: Scope) -> tuple[Follow, ...]:
    """What has to be listed for a preview."""
    return follows_of(bundle, scope)


def preview(bundle: Bundle, scope: Scope, listings: Iterable[Listed]) -> Preview:
    """What delivering a bundle to a cluster would change."""
    live = Live()
    for listing in listings:
        live.listed(listing)
    goal = Goal(Desired(Commit(""), bundle), scope)
    wanted, scope = goal.wanted, goal.scope
    items = wanted.items(wanted.manifests, live, {})
    unwanted = wanted.unwanted(live)
    changes = [_change(item, live.get(item.key)) for item in items]
    changes += [ObjectChange(item.key, "delete") for item in unwanted]
    changes += [ObjectChange(hook.key, "run") for hook in goal.hooks_to_run(live)]
    blast = blast_problem(unwanted, live, scope)
    missing = [
        secret_key(need) for need in bundle.secrets if not is_met(need, live.get(secret_key(need)))
    ]
    problems = (*obstacles(goal, live), *wanted.frozen(items, live), *((blast,) if blast else ()))
    return Preview(tuple(changes), tuple(sorted(missing)), problems)


def _change(item: Item, live: Manifest | None) -> ObjectChange:
    if live is None:
        return ObjectChange(item.key, "create")
    shown = (entry for entry in item.differences if entry.path != _HASH_PATH)
    fields = tuple(masked(item.key, entry) for entry in shown)
    is_frozen = may_be_frozen(item.key.kind, item.differences) and frozen_fields(
        live, item.desired or {}
    )
    if not is_frozen:
        return ObjectChange(item.key, "change", fields)
    is_replaced = item.key.group_kind in REPLACED_KINDS
    return ObjectChange(item.key, "replace" if is_replaced else "refuse", fields)


def _line(difference: Difference) -> str:
    path = dotted(difference.path)
    if difference.before is MISSING:
        return f"{path}: + {_shown(difference.after)}"
    if difference.after is MISSING:
        return f"{path}: - {_shown(difference.before)}"
    return f"{path}: {_shown(difference.before)} -> {_shown(difference.after)}"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
