"""Rules for Events: few for those of the core group, more for those told through events.k8s.io.

Source: k8s.io/kubernetes/pkg/apis/core/validation/events.go.
"""

from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.validation.faults import Faults, all_invalid, immutable, invalid, required

Value = dict[str, Any]
STRICT = "events.k8s.io/v1"
_MOST = 128
_MOST_OF_NOTE = 1024
# Where an event may live that is about nothing in a namespace: one of the old form, one of the new.
_OLD_HOMES, _NEW_HOMES = ("", "default"), ("default", "kube-system")
_TYPES = ("Normal", "Warning")
_SETTLED = (
    "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count",
    "type", "eventTime", "action", "related", "reportingComponent", "reportingInstance",
)  # fmt: skip
_CALLED = {"reportingComponent": "reportingController"}


def validate_event(event: Manifest) -> Faults:
    """What is asked of every event, in the form in which it is stored: the core group's."""
    about = (event.get("involvedObject") or {}).get("namespace", "")
    home = event["metadata"].get("namespace", "")
    if event.get("eventTime"):
        strays = not about and home not in _NEW_HOMES
    else:
        strays = home != about if about else home not in _OLD_HOMES
    faults: Faults = []
    if strays:
        detail = "does not match event.namespace"
        faults.append(invalid("involvedObject.namespace", about, detail))
    return faults + (_reported(event) if event.get("eventTime") else [])


def _reported(event: Manifest) -> Faults:
    """An event that says when it happened says more."""
    by = event.get("reportingComponent") or ""
    faults = [] if by else [required("reportingController")]
    faults += all_invalid("reportingController", by, formats.label_key_faults(by))
    for name in ("reportingInstance", "action", "reason"):
        said = event.get(name) or ""
        faults += _no_longer(name, said, _MOST) if said else [required(name)]
    return faults + _no_longer("message", event.get("message") or "", _MOST_OF_NOTE)


def _no_longer(field: str, said: str, most: int) -> Faults:
    if len(said.encode()) <= most:
        return []
    return [invalid(field, "", f"can have at most {most} characters")]


def validate_told_event(event: Manifest) -> Faults:
    """What is asked in addition of an event that is created through events.k8s.io."""
    faults = _series(event)
    if not event.get("eventTime"):
        faults.append(required("eventTime"))
    if event.get("type", "") not in _TYPES:
        faults.append(invalid("type", "", f"has invalid value: {event.get('type', '')}"))
    faults += [
        invalid(name, "", "needs to be unset")
        for name in ("firstTimestamp", "lastTimestamp", "count")
        if event.get(name)
    ]
    if any((event.get("source") or {}).values()):
        faults.append(invalid("source", "", "needs to be unset"))
    return faults


def told_event_stays(old: Manifest, new: Manifest) -> Faults:
    """Through events.k8s.io, nothing but an event's series is changed."""
    faults = _series(new) if old.get("series") != new.get("series") else []
    for name in _SETTLED:
        before, after = old.get(name) or None, new.get(name) or None
        faults += immutable(_CALLED.get(name, name), before, after)
    return faults


def _series(event: Manifest) -> Faults:
    series = event.get("series")
    if series is None:
        return []
    faults: Faults = []
    if series.get("count", 0) < 2:
        faults.append(invalid("series.count", "", "should be at least 2"))
    if not series.get("lastObservedTime"):
        faults.append(required("series.lastObservedTime"))
    return faults
