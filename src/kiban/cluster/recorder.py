"""Events as the real recorder makes them: one object for equal ones, counted; many alike merged.

The event correlator of client-go (tools/record/events_cache.go): an event equal in everything is
the same object with a higher count; more than ten within ten minutes that differ only in their
message become one, "(combined from similar events): ...". Of one source about one object 25 are
written in a row, then one every five minutes; the scheduler's recorder knows no such limit.
"""

from dataclasses import dataclass, field

from kiban.kube.objects import Manifest, uid_of
from kiban.primitives.instants import Instant, rfc3339, seconds_between
from kiban.reconcile.commands import Record

COMBINED_PREFIX = "(combined from similar events): "
SIMILAR_LIMIT = 10
SIMILAR_SECONDS = 600.0
# The recorder keeps the last 4,096 (an LRU cache); older ones start a new object.
REMEMBERED_LIMIT = 4096

# Events of one source about one object: so many in a row, then one in so many seconds.
SPAM_BURST = 25
SPAM_SECONDS = 300.0
UNLIMITED_SOURCES = ("default-scheduler",)

Identity = tuple[str, ...]


@dataclass(slots=True)
class _Similar:
    messages: dict[str, None]
    latest: Instant


@dataclass(slots=True)
class _Allowance:
    """How many events may still be written, as of when."""

    left: float
    as_of: Instant


@dataclass(slots=True)
class Recorder:
    """What was recorded lately, by source and object."""

    _names: dict[Identity, str] = field(default_factory=dict)
    _similar: dict[Identity, _Similar] = field(default_factory=dict)
    _allowances: dict[Identity, _Allowance] = field(default_factory=dict)

    def event(self, source: str, record: Record, now: Instant) -> tuple[Identity, Manifest] | None:
        """The event to create for a record, and the identity under which it counts; None when
        too many were written about the object."""
        about = _reference(record.about)
        message, identity = self._combined(source, about, record, now)
        if source not in UNLIMITED_SOURCES and not self._is_allowed(source, about, now):
            return None
        namespace = about.get("namespace") or "default"
        stamp = rfc3339(now)
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{about['name']}.{now * 1000:016x}",
                "namespace": namespace,
            },
            "involvedObject": about,
            "reason": record.reason,
            "message": message,
            "source": {"component": source},
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
            "type": record.type,
            "eventTime": None,
            "reportingComponent": source,
            "reportingInstance": "",
        }
        return identity, event

    def name_of(self, identity: Identity) -> str | None:
        """The event object that counts records of this identity."""
        return self._names.get(identity)

    def remember(self, identity: Identity, name: str) -> None:
        self._names.pop(identity, None)
        self._names[identity] = name
        if len(self._names) > REMEMBERED_LIMIT:
            del self._names[next(iter(self._names))]

    def _is_allowed(self, source: str, about: Manifest, now: Instant) -> bool:
        """Take one from what a source may still write about an object."""
        key = (source, *_identity(about))
        known = self._allowances.pop(key, None) or _Allowance(SPAM_BURST, now)
        earned = seconds_between(known.as_of, now) / SPAM_SECONDS
        left = min(known.left + earned, float(SPAM_BURST))
        allowed = left >= 1
        self._allowances[key] = _Allowance(left - allowed, now)
        if len(self._allowances) > REMEMBERED_LIMIT:
            del self._allowances[next(iter(self._allowances))]
        return allowed

    def _combined(
        self, source: str, about: Manifest, record: Record, now: Instant
    ) -> tuple[str, Identity]:
        group = (source, *_identity(about), record.type, record.reason)
        similar = self._similar.pop(group, None)
        if similar is None or seconds_between(similar.latest, now) > SIMILAR_SECONDS:
            similar = _Similar({}, now)
        self._similar[group] = similar
        if len(self._similar) > REMEMBERED_LIMIT:
            del self._similar[next(iter(self._similar))]
        similar.latest = now
        similar.messages[record.message] = None
        if len(similar.messages) < SIMILAR_LIMIT:
            return record.message, (*group, record.message)
        # Keep the set at its limit: the oldest message makes room, as in the correlator.
        del similar.messages[next(iter(similar.messages))]
        return COMBINED_PREFIX + record.message, group


def _reference(about: Manifest) -> Manifest:
    metadata = about["metadata"]
    reference = {
        "kind": about["kind"],
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "uid": uid_of(about),
        "apiVersion": about["apiVersion"],
        "resourceVersion": metadata.get("resourceVersion", ""),
    }
    return {key: value for key, value in reference.items() if value}


def _identity(about: Manifest) -> Identity:
    return tuple(about.get(part, "") for part in ("kind", "namespace", "name", "uid", "apiVersion"))
