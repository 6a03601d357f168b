"""Who gets requests: the endpoints of the slices, as the gateway knows them a moment later.

Every change of an EndpointSlice reaches the gateway after a delay (the slice's own controller,
the watch, the reload: 0.1–2 s in life). In between, requests still go to pods that are leaving.
Pods of services that nobody calls through a Service (workers) count as soon as they are ready.
While a service has no ready pod, those that are leaving and still serve get its requests.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from kiban.cluster.networking.endpoints import SERVICE_NAME_LABEL
from kiban.kube.objects import Key, Manifest, labels_of
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
        self._services: dict[Key, str] = {}
        self._slices: dict[str, dict[Key, _Endpoints]] = {}
        self._chosen: dict[str, dict[str, None]] = {}

    def observe(self, key: Key, after: Manifest | None, now: Instant) -> None:
        """See the write of a slice."""
        if after is not None:
            self._services[key] = f"{key.namespace}/{labels_of(after).get(SERVICE_NAME_LABEL, '')}"
        service = self._services.get(key, "")
        slices = self._slices.setdefault(service, {})
        if after is None:
            slices.pop(key, None)
            self._services.pop(key, None)
        else:
            slices[key] = _endpoints(after)
        before, chosen = self._chosen.get(service, {}), _chosen(slices.values())
        if chosen.keys() == before.keys():
            return
        self._chosen[service] = chosen
        joined = [uid for uid in chosen if uid not in before]
        left = [uid for uid in before if uid not in chosen]

        def learn(at: Instant) -> None:
            for uid in joined:
                self._route(uid, True, at)
            for uid in left:
                self._route(uid, False, at)

        self._plan(later(now, self._seconds), learn)


class _Endpoints(NamedTuple):
    """The pods of a slice that are ready, and those that are leaving and still serve."""

    ready: list[str]
    leaving: list[str]


def _endpoints(endpoint_slice: Manifest) -> _Endpoints:
    found = _Endpoints([], [])
    for endpoint in endpoint_slice.get("endpoints") or ():
        conditions = endpoint.get("conditions", {})
        if "targetRef" not in endpoint:
            continue
        if conditions.get("ready"):
            found.ready.append(endpoint["targetRef"]["uid"])
        elif conditions.get("serving") and conditions.get("terminating"):
            found.leaving.append(endpoint["targetRef"]["uid"])
    return found


def _chosen(slices: Iterable[_Endpoints]) -> dict[str, None]:
    """Who gets requests: kube-proxy's rule (pkg/proxy/topology.go)."""
    known = list(slices)
    ready = [uid for each in known for uid in each.ready]
    return dict.fromkeys(ready or [uid for each in known for uid in each.leaving])
