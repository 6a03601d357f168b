"""How well a delivered object is, with the reason people can act on.

The verdict is that of its kind; for a workload that is not well, the first thing that its pods
complain about says more than its own conditions do.
"""

from collections.abc import Iterable

from kiban.delivery.live import Live
from kiban.kube.health import Health, health
from kiban.kube.objects import Key, Manifest, get_in, is_true

WELL = frozenset({"Healthy", "Suspended"})
# A rollout that Kubernetes itself has given up: waiting longer brings nothing.
GIVEN_UP = frozenset({"ProgressDeadlineExceeded", "BackoffLimitExceeded", "DeadlineExceeded"})
_ORDINARY_WAITS = frozenset({"ContainerCreating", "PodInitializing"})

MISSING = Health("Missing", "NotFound", "does not exist")


class Judge:
    """The health of objects as they were last seen; an object is judged once for each state."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self._verdicts: dict[Key, tuple[Manifest, Health]] = {}

    def __call__(self, key: Key) -> Health:
        """The verdict on one object, with what its pods complain about."""
        verdict = self._verdict(key)
        if verdict.status in WELL or verdict is MISSING:
            return verdict
        complaint = first_complaint(self.live.pods_of(self.live.get(key) or {}))
        if not complaint:
            return verdict
        message = f"{complaint} ({verdict.message})" if verdict.message else complaint
        return Health(verdict.status, verdict.reason, message)

    def _verdict(self, key: Key) -> Health:
        manifest = self.live.get(key)
        if manifest is None:
            return MISSING
        known = self._verdicts.get(key)
        if known is None or known[0] is not manifest:
            known = self._verdicts[key] = (manifest, health(manifest))
        return known[1]


def first_complaint(pods: Iterable[Manifest]) -> str:
    """What the newest pod that is not ready says: its waiting reason, its last exit, or why it
    is not scheduled."""
    unready = [pod for pod in pods if not is_true(pod, "Ready")]
    newest_first = sorted(unready, key=_age_and_name, reverse=True)
    return next((text for pod in newest_first if (text := complaint_of(pod))), "")


def complaint_of(pod: Manifest) -> str:
    """One pod's complaint, or an empty string when it is only starting."""
    name = pod["metadata"]["name"]
    statuses = [
        *get_in(pod, "status", "initContainerStatuses", default=[]),
        *get_in(pod, "status", "containerStatuses", default=[]),
    ]
    for status in statuses:
        waiting = get_in(status, "state", "waiting", default={})
        ended = get_in(status, "state", "terminated") or get_in(status, "lastState", "terminated")
        reason = waiting.get("reason", "")
        if reason and reason not in _ORDINARY_WAITS:
            return f"pod {name}: {_with_exit(reason, waiting.get('message', ''), ended)}"
        if ended and ended.get("exitCode"):
            return f"pod {name}: {_with_exit(ended.get('reason', 'Error'), '', ended)}"
    scheduled = get_in(pod, "status", "conditions", default=[])
    for condition in scheduled:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"pod {name}: {condition.get('reason', '')}: {condition.get('message', '')}"
    return ""


def _with_exit(reason: str, message: str, ended: Manifest | None) -> str:
    text = f"{reason}: {message}" if message else reason
    if ended and ended.get("exitCode") is not None:
        text += f", exit code {ended['exitCode']}"
        text += f" ({ended['message'].strip()})" if ended.get("message") else ""
    return text


def _age_and_name(pod: Manifest) -> tuple[str, str]:
    return (pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"])
