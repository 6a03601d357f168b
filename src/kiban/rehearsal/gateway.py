"""Who gets requests: the endpoints of the slices, as the gateway knows them a moment later.

Every change of an EndpointSlice reaches the gateway after a delay (the slice's own controller,
the watch, the reload: 0.1–2 s in life). In between, requests still go to pods that are leaving.
Pods of services that nobody calls through a Service (workers) count as soon as they are ready.
"""

from collections.abc import Callable

from kiban.kube.objects import Key, Manifest
from kiban.primitives.instants import Instant, later
from kiban.rehearsal.agenda import Act

PROPAGATION_SECONDS = 1.0


class Gateway:
    """`route(uid, routed, now)` is called when the gateway begins or ends to send to a pod."""

    def __init__(
        self,
        plan: Callable[[Instant, Act], None],
        route: Callable[[str, bool, Instant], None],
        seconds: float = PROPAGATION_SECONDS,
    ) -> None:
        self._plan = plan
        self._route = route
        self._seconds = seconds
        self._known: dict[Key, dict[str, None]] = {}

    def observe(self, key: Key, after: Manifest | None, now: Instant) -> None:
        """See the write of a slice."""
        before = self._known.get(key, {})
        ready = _ready(after) if after is not None else {}
        if ready.keys() == before.keys():
            return
        self._known[key] = ready
        joined = [uid for uid in ready if uid not in before]
        left = [uid for uid in before if uid not in ready]

        def learn(at: Instant) -> None:
            for uid in joined:
                self._route(uid, True, at)
            for uid in left:
                self._route(uid, False, at)

        self._plan(later(now, self._seconds), learn)


def _ready(endpoint_slice: Manifest) -> dict[str, None]:
    return {
        endpoint["targetRef"]["uid"]: None
        for endpoint in endpoint_slice.get("endpoints") or ()
        if endpoint.get("conditions", {}).get("ready") and "targetRef" in endpoint
    }
