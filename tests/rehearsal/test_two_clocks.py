"""The same deploy with the embedded cluster's kubelet and with modelled machines: the controllers
ask for the same things in the same order, whoever runs the pods."""

from collections.abc import Iterator
from typing import Any

from tests.rehearsal.platforms import SHOP, deployment, key, service

from kiban.cluster.asks import Report
from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.catalog import controllers
from kiban.cluster.kubelet.kubelet import Kubelet
from kiban.cluster.modelled import ModelledContainers, Timing
from kiban.cluster.networking.addresses import AddressPlan
from kiban.cluster.nodes import NodeGroup, node_manifests
from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant, later
from kiban.reconcile.trace import Trace
from kiban.rehearsal.agenda import Agenda
from kiban.rehearsal.driver import VirtualDriver
from kiban.rehearsal.machines import Machines, ModelledConduct, ServiceModel
from kiban.rehearsal.requests import Requests
from kiban.rehearsal.world import START

NODES = NodeGroup("base", "m5.xlarge", ("a", "b", "c"), count=3)
CONTROLLERS = ("deployment-controller", "replicaset-controller", "default-scheduler")
SECONDS = 300.0
Asked = tuple[str, ...]


def manifests() -> list[Manifest]:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SHOP}}
    return [namespace, deployment("web", 3, drain=0), service("web")]


def deployed(api: Requests, now: Instant) -> None:
    live = api.get(key("web"))
    assert live is not None, "it was created"
    container = live["spec"]["template"]["spec"]["containers"][0]
    changed = {**container, "image": "registry.example/web:v2"}
    api.patch(key("web"), {"spec": {"template": {"spec": {"containers": [changed]}}}}, now)


def with_kubelet() -> list[Asked]:
    """The embedded cluster's own kubelet, driven as the wall driver drives it: asks out, reports
    in, each at its time."""
    kubelet = Kubelet(AddressPlan(0))
    cluster = assembled(1, controllers(), kubelet=kubelet, trace=Trace(), tracks_ownership=False)
    containers = ModelledContainers(Timing(pull=2.0, start=1.0, ready=6.0, stop=0.5))
    api, agenda, now = Requests(cluster.registry, namespace=SHOP), Agenda(), START

    def settle() -> None:
        while (due := cluster.next_due()) is not None and due <= now:
            for ask in cluster.step(now):
                for at, report in containers.answer(ask, now):
                    agenda.add(at, posted(report))

    def posted(report: Report) -> Any:
        return lambda at: cluster.post(report, at)

    cluster.bootstrap(now)
    for node in node_manifests([NODES]):
        api.create(node, now)
    settle()
    for manifest in manifests():
        api.create(manifest, now)
        settle()
    agenda.add(later(START, 60), lambda at: deployed(api, at))
    while now < later(START, SECONDS):
        dues = [due for due in (cluster.next_due(), agenda.next_due()) if due is not None]
        now = max(now, min(dues))
        act = agenda.pop(now)
        if act is not None:
            act(now)
        settle()
    return list(asked(cluster))


def with_machines() -> list[Asked]:
    model = ServiceModel(start=6.0, stop=0.5, image_bytes=200 * 2**20)
    machines = Machines(ModelledConduct(default=model), writes_all_steps=True)
    cluster = assembled(
        1, controllers(heartbeats=machines.heartbeats), trace=Trace(), tracks_ownership=False
    )
    driver = VirtualDriver(cluster, START)
    api = Requests(cluster.registry, namespace=SHOP)
    machines.attach(api, driver.at)
    driver.watch(
        lambda write, now: (
            machines.observe(
                write.before.object if write.before else None,
                write.after.object if write.after else None,
                now,
            )
            if write.key.kind == "Pod"
            else None
        )
    )
    cluster.bootstrap(START)
    for node in node_manifests([NODES]):
        machines.add(node, START)
    driver.settle()
    for manifest in manifests():
        api.create(manifest, START)
        driver.settle()
    driver.at(later(START, 60), lambda now: deployed(api, now))
    driver.run_until(later(START, SECONDS))
    return list(asked(cluster))


def asked(cluster: Cluster) -> Iterator[Asked]:
    """What changes the number and the place of pods, without statuses, times and generated
    names."""
    trace = cluster.loop.trace
    assert trace is not None
    for decision in trace.decisions:
        if decision.controller not in CONTROLLERS:
            continue
        for command in decision.outcome.commands:
            match type(command).__name__:
                case "Create":
                    manifest = command.object
                    yield "create", manifest["kind"], manifest["metadata"].get("namespace", "")
                case "Delete":
                    yield "delete", command.key.kind
                case "Bind":
                    yield "bind", command.pod.kind
                case "Patch" if "spec" in command.patch:
                    yield "resize", command.key.name, str(command.patch["spec"]["replicas"])


def test_both_kubelets_make_the_controllers_do_the_same() -> None:
    real, modelled = with_kubelet(), with_machines()
    assert real == modelled
    counts = {
        what: sum(entry[0] == what for entry in real) for what in ("create", "bind", "delete")
    }
    # Three pods and a set of each version.
    assert counts == {"create": 8, "bind": 6, "delete": 3}
