"""What the dashboard knows now: the newest word of Git, delivery, clusters, gateway and journal.

Whoever hears something tells the board; pages are pictures of it. Everything is held once, by
what the pages ask for, and every change counts: `version` for all, `version_of` for one service,
so that a picture is drawn anew only where something has changed.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kiban.delivery.status import DeliveryStatus, ServiceStatus
from kiban.kube.objects import EVENT, NODE, POD, GroupKind, Key, Manifest, key_of, labels_of
from kiban.telemetry import Act
from kiban.web.outline import Outline

SERVICE_LABEL = "kiban.dev/service"
# What is shown of the past without asking the journal.
KEPT_ACTS = 400
KEPT_HEADLINES = 20
KEPT_EVENTS = 4_000
# Two minutes of a reading every two seconds.
KEPT_LOADS = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What a service was asked in a short while: requests and errors a second, milliseconds."""

    at: float
    requests: float
    errors: float
    half_ms: float
    most_ms: float


@dataclass(slots=True)
class Board:
    """All that is known. Told by `set_…`, `see` and `note`; read by the pictures."""

    outline: Outline = field(default_factory=Outline)
    statuses: dict[str, DeliveryStatus] = field(default_factory=dict)
    # Pods by namespace and service, then by name; pods of no service under "".
    pods: dict[tuple[str, str], dict[str, Manifest]] = field(default_factory=dict)
    nodes: dict[str, Manifest] = field(default_factory=dict)
    events: dict[Key, Manifest] = field(default_factory=dict)
    acts: deque[Act] = field(default_factory=lambda: deque(maxlen=KEPT_ACTS))
    # Those of them that say what came out, without the single steps.
    headlines: deque[Act] = field(default_factory=lambda: deque(maxlen=KEPT_HEADLINES))
    # Where the routes answer on this machine, as host and port; empty where nobody listens.
    gateway: str = ""
    loads: dict[tuple[str, str], deque[Load]] = field(default_factory=dict)
    usage: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    version: int = 0
    _versions: dict[str, int] = field(default_factory=dict)
    _by_subject: dict[str, dict[str, ServiceStatus]] = field(default_factory=dict)
    _by_node: dict[str, dict[Key, Manifest]] = field(default_factory=dict)
    # The service and the node of every pod.
    _places: dict[Key, tuple[str, str]] = field(default_factory=dict)

    # What is told

    def set_outline(self, outline: Outline) -> None:
        """Another commit says what there is."""
        before, self.outline = self.outline.services, outline
        for name in before.keys() | outline.services.keys():
            if before.get(name) != outline.services.get(name):
                self._changed(name)
        self._changed()

    def set_status(self, status: DeliveryStatus) -> None:
        """Where an environment stands now."""
        self.statuses[status.subject] = status
        before = self._by_subject.get(status.subject, {})
        after = {service.name: service for service in status.services}
        self._by_subject[status.subject] = after
        for name in before.keys() | after.keys():
            if before.get(name) != after.get(name):
                self._changed(name)
        self._changed()

    def reset(self, kind: GroupKind, namespace: str, objects: Iterable[Manifest]) -> None:
        """All objects of a kind in a namespace, as after a watch was lost."""
        found = {key_of(each): each for each in objects}
        for known in [key for key in self._keys(kind, namespace) if key not in found]:
            self._drop(known)
        for each in found.values():
            self.see(each)

    def see(self, manifest: Manifest, *, gone: bool = False) -> None:
        """An object as it is now, or as it was before it was deleted."""
        key = key_of(manifest)
        kind = key.group_kind
        if gone:
            self._drop(key)
        elif kind == POD:
            self._put_pod(key, manifest)
        elif kind == NODE:
            self.nodes[key.name] = manifest
            self._changed()
        elif kind == EVENT:
            self.events[key] = manifest
            while len(self.events) > KEPT_EVENTS:
                del self.events[next(iter(self.events))]
            self._changed()

    def note(self, act: Act, *, is_step: bool = False) -> None:
        """Something was written into the record; `is_step` when it is a part of a larger act."""
        self.acts.append(act)
        if not is_step and act.result != "began":
            self.headlines.append(act)
        self._changed()

    def measure(self, namespace: str, service: str, load: Load) -> None:
        """What a service was asked lately."""
        known = self.loads.setdefault((namespace, service), deque(maxlen=KEPT_LOADS))
        if load.requests or not known or known[-1].requests:
            self._changed(service)
        known.append(load)

    def set_usage(self, usage: Mapping[tuple[str, str], tuple[int, int]]) -> None:
        """What every pod uses, by namespace and name: thousandths of a core, and bytes."""
        self.usage = usage
        self._changed()

    # What is read

    def version_of(self, service: str) -> int:
        """Grows with every change that a picture of this service could show."""
        return self._versions.get(service, 0)

    def statuses_of(self, environment: str) -> list[DeliveryStatus]:
        """Of one environment, on each of its clusters."""
        return [
            status
            for subject, status in sorted(self.statuses.items())
            if environment_of(subject) == environment
        ]

    def service_statuses(self, environment: str, service: str) -> list[ServiceStatus]:
        """Of one service in one environment, on each cluster."""
        return [
            found
            for subject, services in sorted(self._by_subject.items())
            if environment_of(subject) == environment
            and (found := services.get(service)) is not None
        ]

    def pods_of(self, environment: str, service: str) -> list[Manifest]:
        """By their names."""
        known = self.outline.environments.get(environment)
        found = self.pods.get((known.namespace, service), {}) if known else {}
        return [found[name] for name in sorted(found)]

    def pods_on(self, node: str) -> list[Manifest]:
        found = self._by_node.get(node, {})
        return [found[key] for key in sorted(found)]

    def events_in(self, namespace: str) -> Iterator[Manifest]:
        """The newest first."""
        for key, event in reversed(self.events.items()):
            if key.namespace == namespace:
                yield event

    def latest_load(self, environment: str, service: str) -> Load | None:
        known = self.outline.environments.get(environment)
        found = self.loads.get((known.namespace, service)) if known else None
        return found[-1] if found else None

    # Keeping it

    def _put_pod(self, key: Key, manifest: Manifest) -> None:
        self._drop_pod(key)
        service = labels_of(manifest).get(SERVICE_LABEL, "")
        node = manifest["spec"].get("nodeName", "")
        self.pods.setdefault((key.namespace, service), {})[key.name] = manifest
        self._by_node.setdefault(node, {})[key] = manifest
        self._places[key] = (service, node)
        self._changed(service)

    def _drop_pod(self, key: Key) -> None:
        if (place := self._places.pop(key, None)) is not None:
            service, node = place
            del self.pods[key.namespace, service][key.name]
            del self._by_node[node][key]
            self._changed(service)

    def _drop(self, key: Key) -> None:
        kind = key.group_kind
        if kind == POD:
            self._drop_pod(key)
        elif kind == NODE:
            self.nodes.pop(key.name, None)
        elif kind == EVENT:
            self.events.pop(key, None)
        self._changed()

    def _keys(self, kind: GroupKind, namespace: str) -> list[Key]:
        if kind == NODE:
            return [Key(*NODE, "", name) for name in self.nodes]
        known: Iterable[Key] = self.events if kind == EVENT else self._places
        return [key for key in known if key.namespace == namespace]

    def _changed(self, service: str = "") -> None:
        self.version += 1
        if service:
            self._versions[service] = self.version


def environment_of(subject: str) -> str:
    """`arcade/prod@eks` gives `prod`."""
    return subject.partition("/")[2].partition("@")[0]
