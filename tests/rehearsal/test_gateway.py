"""Who the modelled gateway sends requests to."""

from kiban.kube.objects import ENDPOINT_SLICE, Key, Manifest
from kiban.primitives.instants import Instant, later
from kiban.rehearsal.agenda import Agenda
from kiban.rehearsal.gateway import Gateway

READY = {"ready": True, "serving": True, "terminating": False}
LEAVING = {"ready": False, "serving": True, "terminating": True}
STOPPED = {"ready": False, "serving": False, "terminating": True}
NOW = Instant(1_000_000_000)


class Told:
    """A gateway that learns at once when asked, and who it sends to."""

    def __init__(self) -> None:
        self._agenda = Agenda()
        self.routed: dict[str, None] = {}
        self.gateway = Gateway(self._agenda.add, self._route)

    def _route(self, uid: str, is_routed: bool, now: Instant) -> None:
        if is_routed:
            self.routed[uid] = None
        else:
            self.routed.pop(uid, None)

    def write(self, name: str, **endpoints: dict[str, bool]) -> None:
        labels = {"kubernetes.io/service-name": "web"}
        found = [{"targetRef": {"uid": uid}, "conditions": each} for uid, each in endpoints.items()]
        slice_: Manifest = {"metadata": {"labels": labels}, "endpoints": found}
        self.gateway.observe(Key(*ENDPOINT_SLICE, "shop", name), slice_, NOW)

    def remove(self, name: str) -> None:
        self.gateway.observe(Key(*ENDPOINT_SLICE, "shop", name), None, NOW)

    def learn(self) -> list[str]:
        while (act := self._agenda.pop(later(NOW, 60))) is not None:
            act(NOW)
        return sorted(self.routed)


def test_pods_that_are_leaving_get_nothing_while_others_are_ready() -> None:
    told = Told()
    told.write("one", a=READY, b=LEAVING)
    assert told.learn() == ["a"]


def test_the_last_pods_of_a_service_get_its_requests_while_they_leave() -> None:
    told = Told()
    told.write("one", a=READY)
    told.write("two", b=READY)
    assert told.learn() == ["a", "b"]
    told.write("one", a=LEAVING)
    assert told.learn() == ["b"]
    told.write("two", b=LEAVING)
    assert told.learn() == ["a", "b"]
    told.write("one", a=STOPPED)
    told.remove("two")
    assert told.learn() == []
