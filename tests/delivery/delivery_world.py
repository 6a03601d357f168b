"""A small world for delivery: bundles of one-object services, and a cluster that does as asked."""

from dataclasses import dataclass, field
from typing import Any

from kiban.compiler.bundle import (
    ENVIRONMENT_LABEL,
    PLATFORM_LABEL,
    SERVICE_LABEL,
    Bundle,
    SecretNeed,
)
from kiban.delivery.delivery import Delivery
from kiban.delivery.marks import Scope
from kiban.delivery.messages import (
    Accepted,
    Answer,
    Append,
    Applied,
    Apply,
    Ask,
    Commit,
    Desired,
    DryRun,
    Gone,
    Listed,
    LogRead,
    MakeSecret,
    ReadLog,
    Refused,
    Release,
    Remove,
    Removed,
    Seen,
)
from kiban.delivery.secret_values import secret_manifest
from kiban.kube.objects import Key, Manifest, key_of, replaced
from kiban.plans.records import Event, PlanClosed, Record, record_data, record_from
from kiban.primitives.instants import Instant, later, rfc3339

START = Instant(1_700_000_000_000_000)
SCOPE = Scope("arcade", "dev", "local", "arcade-dev")


def labels(service: str = "") -> dict[str, str]:
    found = {PLATFORM_LABEL: "arcade", ENVIRONMENT_LABEL: "dev"}
    return {**found, SERVICE_LABEL: service} if service else found


def manifest(kind: str, name: str, service: str = "", **fields: Any) -> Manifest:
    api = {"Deployment": "apps/v1", "Job": "batch/v1"}.get(kind, "v1")
    metadata: dict[str, Any] = {"name": name, "labels": labels(service)}
    if kind != "Namespace":
        metadata["namespace"] = "arcade-dev"
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}


def service_manifests(name: str, image: str) -> list[Manifest]:
    selector = {SERVICE_LABEL: name}
    container = {"name": "app", "image": image}
    template = {"metadata": {"labels": selector}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": selector}, "template": template}
    return [
        manifest("Service", name, name, spec={"selector": selector, "ports": [{"port": 80}]}),
        manifest("Deployment", name, name, spec=spec),
    ]


def bundle(
    images: dict[str, str],
    needs: dict[str, set[str]] | None = None,
    secrets: tuple[SecretNeed, ...] = (),
    extra: tuple[Manifest, ...] = (),
) -> Bundle:
    manifests = [manifest("Namespace", "arcade-dev")]
    for name, image in images.items():
        manifests += service_manifests(name, image)
    graph = {name: frozenset((needs or {}).get(name, ())) for name in images}
    return Bundle(
        "arcade", "dev", "local", "arcade-dev", (*manifests, *extra), graph, secrets=secrets
    )


def commit(id_: str, *args: Any, **named: Any) -> Desired:
    return Desired(Commit(id_ * 8, "Ada"), bundle(*args, **named))


def ready(live: Manifest) -> Manifest:
    """The object as its controller leaves it when all is well."""
    if live["kind"] == "Job":
        return ended(live, "Complete")
    if live["kind"] == "CustomResourceDefinition":
        return replaced(live, ["status"], {"conditions": [condition("Established")]})
    if live["kind"] != "Deployment":
        return live
    count = live["spec"].get("replicas", 1)
    names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    status = dict.fromkeys(names, count) | {"observedGeneration": live["metadata"]["generation"]}
    return replaced(live, ["status"], status)


def condition(type_: str, reason: str = "") -> Manifest:
    at = "2023-11-14T22:13:20Z"
    return {"type": type_, "status": "True", "reason": reason, "lastTransitionTime": at}


def ended(job: Manifest, how: str) -> Manifest:
    """A Job that is Complete or Failed."""
    reason = "BackoffLimitExceeded" if how == "Failed" else ""
    return replaced(job, ["status"], {"conditions": [condition(how, reason)]})


class Killed(Exception):
    """The process that delivers is gone."""


@dataclass
class World:
    """A cluster and a journal that outlive the process; `broken` services never become ready."""

    objects: dict[Key, Manifest] = field(default_factory=dict)
    journal: list[Record] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    refusals: dict[Key, list[Refused]] = field(default_factory=dict)
    now: Instant = START
    revision: int = 0
    # How many more writes (journal or cluster) are survived; whether the last one is still done.
    writes_left: int = 10**9
    does_last: bool = False
    # What the server says to a question about an object, where it does not accept it.
    invalid: dict[Key, Refused] = field(default_factory=dict)
    logs: str = ""
    # Every Job that was made, by name.
    made: list[str] = field(default_factory=list)
    completed: list[str] = field(default_factory=list)
    unready: list[Key] = field(default_factory=list)
    removed: Manifest = field(default_factory=dict)

    def put(self, live: Manifest) -> Manifest:
        self.revision += 1
        key = key_of(live)
        old = self.objects.get(key)
        changed = old is None or old.get("spec") != live.get("spec")
        generation = (old["metadata"]["generation"] if old else 0) + changed
        metadata = {
            **live["metadata"],
            "uid": old["metadata"]["uid"] if old else f"uid-{self.revision}",
            "resourceVersion": str(self.revision),
            "generation": generation,
        }
        found = {**live, "metadata": metadata}
        if live["kind"] == "Namespace":
            found["status"] = {"phase": "Active"}
        self.objects[key] = found
        return found

    def start(self, **options: Any) -> Delivery:
        """A process begins: it knows the journal and lists the cluster."""
        opened = {record.plan.id: record for record in self.journal if hasattr(record, "token")}
        for record in self.journal:
            if isinstance(record, PlanClosed):
                opened.pop(record.plan, None)
        return Delivery(SCOPE, unfinished=opened.values(), **options)

    def list_all(self, delivery: Delivery) -> None:
        for item in delivery.follows():
            if not delivery.live.has_listed(item):
                found = [
                    live
                    for key, live in sorted(self.objects.items())
                    if key.group_kind == item.kind and item.namespace in ("", key.namespace)
                ]
                delivery.observe(Listed(item, found), self.now)

    def run(self, delivery: Delivery, seconds: float = 5.0) -> None:
        """Let time pass, and let the cluster do as it is asked."""
        end = later(self.now, seconds)
        while True:
            self.list_all(delivery)
            asks = delivery.step(self.now)
            for ask in asks:
                if (answer := self.answer(ask)) is not None:
                    delivery.post(answer, self.now)
                if isinstance(ask, Remove | Release) and ask.key not in self.objects:
                    delivery.observe(Gone(self.removed), self.now)
            unknown = not all(map(delivery.live.has_listed, delivery.follows()))
            if asks or unknown:
                continue
            if self.unready:
                self.get_ready(delivery)
                continue
            due = delivery.next_due()
            if due is None or due > end:
                self.now = end
                return
            self.now = max(self.now, due)

    def get_ready(self, delivery: Delivery) -> None:
        for key in self.unready:
            live = self.objects.get(key)
            if live is not None and key.kind == "Job" and key.name[:-9] in self.broken:
                delivery.observe(Seen(self.put(ended(live, "Failed"))), self.now)
            elif live is not None and key.name not in self.broken:
                if key.kind == "Job":
                    self.completed.append(key.name)
                delivery.observe(Seen(self.put(ready(live))), self.now)
        self.unready.clear()

    def answer(self, ask: Ask) -> Answer | None:
        if isinstance(ask, DryRun):
            self.asked.append(f"check {ask.key.kind}/{ask.key.name}")
            return self.invalid.get(ask.key) or Accepted(ask.key)
        if isinstance(ask, ReadLog):
            return LogRead(ask.key, self.logs)
        if self.writes_left == 0:
            if self.does_last:
                self.written(ask)
            raise Killed
        self.writes_left -= 1
        return self.written(ask)

    def written(self, ask: Ask) -> Answer | None:
        match ask:
            case Append():
                self.journal += [record_from(record_data(entry)) for entry in ask.records]
                return None
            case Apply():
                return self.apply(ask)
            case MakeSecret():
                self.asked.append(f"make {ask.key.name}")
                live = self.objects.get(ask.key)
                made = secret_manifest(ask.need, live, SCOPE, lambda: "t0ken")
                return Applied(ask.key, self.put(made))
            case Remove():
                self.asked.append(f"delete {ask.key.kind}/{ask.key.name}")
                return self.remove(ask.key)
            case Release():
                self.asked.append(f"let go of {ask.key.kind}/{ask.key.name}")
                live = self.objects[ask.key]
                live = replaced(live, ["metadata", "finalizers"], list(ask.finalizers))
                if live["metadata"].get("deletionTimestamp") and not ask.finalizers:
                    self.removed = self.objects.pop(ask.key)
                    return Applied(ask.key, live)
                return Applied(ask.key, self.put(live))
        raise AssertionError(f"the world does not know {ask}")

    def remove(self, key: Key) -> Answer:
        live = self.objects[key]
        if live["metadata"].get("finalizers"):
            at = rfc3339(self.now)
            return Applied(key, self.put(replaced(live, ["metadata", "deletionTimestamp"], at)))
        self.removed = self.objects.pop(key)
        return Removed(key)

    def apply(self, ask: Apply) -> Answer:
        forced = " by force" if ask.force else ""
        self.asked.append(f"apply {ask.key.kind}/{ask.key.name}{forced}")
        if waiting := self.refusals.get(ask.key):
            return waiting.pop(0)
        live = self.objects.get(ask.key, {})
        found = self.put({**live, **ask.manifest})
        if ask.key.kind in ("Deployment", "CustomResourceDefinition"):
            self.unready.append(ask.key)
        if ask.key.kind == "Job" and not live:
            self.unready.append(ask.key)
            self.made.append(ask.key.name)
        return Applied(ask.key, found)

    def delete_by_hand(self, delivery: Delivery, key: Key) -> None:
        delivery.observe(Gone(self.objects.pop(key)), self.now)

    def change_by_hand(self, delivery: Delivery, live: Manifest) -> None:
        delivery.observe(Seen(self.put(live)), self.now)

    def events(self) -> list[str]:
        return [record.code for record in self.journal if isinstance(record, Event)]

    def endings(self) -> list[str]:
        return [record.ending for record in self.journal if isinstance(record, PlanClosed)]


def deployment(name: str) -> Key:
    return Key("apps", "Deployment", "arcade-dev", name)
