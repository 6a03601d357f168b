"""What the plan of a commit promised, and how what a sync really does differs from it.

The plan that people read before a merge compares two commits; a sync compares a commit with a
cluster. They are the same as long as the cluster was as Git wanted it; when it was not, the
difference is told, and it is what one wants to know of a deployment that did something strange.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kiban.delivery.changes import Wanted
from kiban.delivery.marks import APPLIED_ANNOTATION, KEPT_KINDS, Scope
from kiban.delivery.messages import Commit
from kiban.delivery.sync import Work
from kiban.kube.objects import Key, annotations_of
from kiban.primitives.canonical import digest

HASH_BYTES = 8
# The embedded cluster, where stand-ins run beside what was planned for a real one.
EMBEDDED = "local"
# Objects that a difference names; the others are counted.
NAMED_OBJECTS = 5
# In the message of a merge commit: the plan that was agreed to.
_TRAILER = re.compile(r"^Kiban-Plan:\s*(?P<where>\S+)\s+(?P<hash>[0-9a-f]+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Promise:
    """The plan of a commit on top of another one."""

    applied: frozenset[Key]
    removed: frozenset[Key]
    hash: str


def promised(before: Wanted, after: Wanted) -> Promise:
    """What delivering `after` does where everything is as `before` wanted it."""
    applied = frozenset(key for key in after.manifests if _hash(before, key) != _hash(after, key))
    removed = frozenset(
        key
        for key in before.manifests
        if key not in after.manifests and key.group_kind not in KEPT_KINDS
    )
    return Promise(applied, removed, plan_hash(after, applied, removed))


def plan_hash(wanted: Wanted, applied: Iterable[Key], removed: Iterable[Key]) -> str:
    """A name for what is done: which objects are applied, with what content, which removed, and
    which hooks belong to it, whether they have run before or not."""
    content = {
        "applied": {str(key): _hash(wanted, key) for key in applied},
        "removed": sorted(str(key) for key in removed),
        "hooks": sorted(key.name for key in wanted.hooks),
    }
    return digest(content, HASH_BYTES)


def hash_of(work: Work, wanted: Wanted) -> str:
    """The name of what a sync is going to do."""
    applied, removed = (item.key for item in work.items), (item.key for item in work.unwanted)
    return plan_hash(wanted, applied, removed)


def difference(work: Work, promise: Promise) -> str:
    """How a sync differs from the plan of its commit, for people; empty when it does not."""
    applied = {item.key for item in work.items}
    removed = {item.key for item in work.unwanted}
    parts = {
        "also applies": applied - promise.applied,
        "also deletes": removed - promise.removed,
        "need not apply": promise.applied - applied,
        "need not delete": promise.removed - removed,
    }
    return "; ".join(f"{words} {_named(keys)}" for words, keys in parts.items() if keys)


def agreed_hash(commit: Commit, scope: Scope, cluster: str = "") -> str:
    """The hash of the plan that the message of a commit says was agreed to for an environment
    (`Kiban-Plan: prod@tokyo 0123456789abcdef`); empty when it says nothing. `cluster` is what the
    platform calls the cluster, where the scope has the name of a context."""
    clusters = [scope.cluster] if scope.cluster == EMBEDDED else [scope.cluster, cluster]
    names = (*(f"{scope.environment}@{name}" for name in clusters), scope.environment)
    agreed: Mapping[str, str] = {
        found["where"]: found["hash"]
        for found in _TRAILER.finditer(f"{commit.message}\n{commit.body}")
    }
    return next((agreed[name] for name in names if name in agreed), "")


def _hash(wanted: Wanted, key: Key) -> str:
    manifest = wanted.manifests.get(key)
    return annotations_of(manifest)[APPLIED_ANNOTATION] if manifest is not None else ""


def _named(keys: Iterable[Key]) -> str:
    names = [str(key) for key in sorted(keys)]
    more = f" and {len(names) - NAMED_OBJECTS} more" if len(names) > NAMED_OBJECTS else ""
    return ", ".join(names[:NAMED_OBJECTS]) + more
