"""The life of one pod, second by second, on a virtual clock."""

import itertools

from tests.cluster.kubelet.world import POD, World, container, plain

from kiban.cluster.asks import (
    ContainerExited,
    ContainerStarted,
    ImageMissing,
    PullImage,
    RemovePod,
    RunProbe,
    SignalContainer,
    StartContainer,
)
from kiban.cluster.kubelet import Kubelet
from kiban.cluster.networking import AddressPlan
from kiban.cluster.nodes import STOPPED_ANNOTATION
from kiban.kube.objects import LEASE, Key, condition_of
from kiban.reconcile.commands import Create, Delete, Patch

PROBE = {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5}
PORTS = [{"name": "http", "containerPort": 8080}]


def test_a_pod_runs_and_says_so() -> None:
    world = World()
    world.create()
    world.run(1)
    assert world.status["phase"] == "Running"
    assert world.state() == "running"
    assert world.condition("Ready") == "True"
    assert world.status["podIP"] == "127.19.0.1"
    assert world.container()["restartCount"] == 0
    assert world.events() == [
        'Pulled: Container image "registry.example/app:1" already present on machine',
        "Created: Created container: app",
        "Started: Started container app",
    ]


def test_a_quiet_pod_causes_no_writes() -> None:
    world = World()
    world.create(container(readinessProbe=PROBE, livenessProbe=PROBE, ports=PORTS))
    world.run(10)
    before = world.pod["metadata"]["resourceVersion"]
    world.run(300)
    assert world.pod["metadata"]["resourceVersion"] == before


def test_a_pod_is_ready_when_its_probe_says_so() -> None:
    world = World()
    world.create(container(readinessProbe=PROBE, ports=PORTS))
    world.run(0.25)
    assert (world.state(), world.condition("Ready")) == ("running", "False")
    world.run(6)
    assert world.condition("Ready") == "True"
    asked = world.asks(RunProbe)
    assert [second for second, _ in asked] == [0.2, 5.2]
    assert asked[0][1].handler["httpGet"]["port"] == 8080


def test_a_startup_probe_holds_the_others_back() -> None:
    world = World()
    startup = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 30}
    world.create(container(startupProbe=startup, readinessProbe=PROBE, ports=PORTS))
    world.run(3)
    assert [(at, ask.probe) for at, ask in world.asks(RunProbe)] == [
        (0.2, "startup"),
        (1.2, "startup"),
        (1.201, "readiness"),
    ]


def test_a_failing_liveness_probe_restarts_the_container() -> None:
    world = World()
    world.hand = lambda ask, now: (
        world.answer_probe(ask, ask.id.attempt > 0, now) if isinstance(ask, RunProbe) else None
    )
    liveness = {**PROBE, "failureThreshold": 2}
    world.create(container(livenessProbe=liveness, ports=PORTS))
    world.run(8)
    assert [(at, ask.signal) for at, ask in world.asks(SignalContainer)] == [(5.2, "TERM")]
    assert world.container()["restartCount"] == 1
    assert world.container()["lastState"]["terminated"]["exitCode"] == 143
    assert "Killing: Container app failed liveness probe, will be restarted" in world.events()


def test_a_crashing_container_is_restarted_ever_later() -> None:
    world = World()

    def crashing(ask: object, now: int) -> object:
        if not isinstance(ask, StartContainer):
            return None
        return [(now, ContainerStarted(ask.id, 1, now)), (now, ContainerExited(ask.id, 1, now))]

    world.hand = crashing  # type: ignore[assignment]
    world.create()
    world.run(1300)
    starts = [second for second, _ in world.asks(StartContainer)]
    pauses = [round(b - a) for a, b in itertools.pairwise(starts)]
    assert pauses == [0, 10, 20, 40, 80, 160, 300, 300, 300]
    assert world.state() == "CrashLoopBackOff"
    waiting = world.container()["state"]["waiting"]["message"]
    assert waiting.startswith("back-off 5m0s restarting failed container=app pod=p_default(")
    last = world.container()["lastState"]["terminated"]
    assert last["exitCode"] == 1
    assert last["containerID"].endswith(f"/{world.container()['restartCount']}")


def test_a_long_run_forgets_earlier_crashes() -> None:
    world = World()
    world.create()
    world.run(1)
    for attempt in (0, 1):
        world.exit(1, attempt)
        world.run(12)
    world.run(700)
    world.exit(1, 2)
    world.run(1)
    assert (world.state(), world.container()["restartCount"]) == ("running", 3)


def test_a_missing_image_is_looked_for_ever_later() -> None:
    world = World()
    world.hand = lambda ask, now: (
        [(now, ImageMissing(ask.pod_uid, ask.image, "not in the local store"))]
        if isinstance(ask, PullImage)
        else None
    )
    world.create()
    world.run(0.5)
    assert (world.status["phase"], world.state()) == ("Pending", "ErrImagePull")
    world.run(2)
    assert world.state() == "ImagePullBackOff"
    world.run(80)
    assert [round(second) for second, _ in world.asks(PullImage)] == [0, 10, 30, 70]
    world.hand = lambda ask, now: None
    world.run(80)
    assert world.state() == "running"


def test_a_missing_secret_is_said_and_waited_for() -> None:
    world = World()
    source = {"secretKeyRef": {"name": "keys", "key": "api"}}
    world.create(container(env=[{"name": "API", "valueFrom": source}]))
    world.run(1)
    waiting = world.container()["state"]["waiting"]
    assert waiting == {"reason": "CreateContainerConfigError", "message": 'secret "keys" not found'}
    world.do(Create(plain("v1", "Secret", "keys", data={"api": "czNjcmV0"})))
    world.run(1)
    assert world.state() == "running"
    assert world.asks(StartContainer)[0][1].env["API"] == "s3cret"


def test_init_containers_run_one_after_the_other() -> None:
    world = World()
    world.create(initContainers=[container("one"), container("two")])
    world.run(0.5)
    assert world.status["phase"] == "Pending"
    assert world.condition("Initialized") == "False"
    assert world.state() == "PodInitializing"
    world.run(3)
    assert [ask.id.container for _, ask in world.asks(StartContainer)] == ["one", "two", "app"]
    assert world.status["phase"] == "Running"
    assert world.condition("Ready") == "True"


def test_a_sidecar_runs_before_and_stops_after_the_others() -> None:
    world = World()
    world.create(initContainers=[container("proxy", restartPolicy="Always"), container("setup")])
    world.run(3)
    assert world.condition("Ready") == "True"
    world.delete()
    world.run(3)
    assert world.is_gone
    assert [ask.id.container for _, ask in world.asks(SignalContainer)] == ["app", "proxy"]


def test_a_job_pod_succeeds_or_fails_with_its_program() -> None:
    world = World()
    world.create(restartPolicy="Never")
    world.run(3)
    assert (world.status["phase"], world.state()) == ("Succeeded", "Completed")
    assert condition_of(world.pod, "Ready")["reason"] == "PodCompleted"  # type: ignore[index]
    failing = World()
    failing.create(restartPolicy="Never")
    failing.run(0.5)
    failing.exit(3, 0)
    failing.run(60)
    assert (failing.status["phase"], failing.container()["restartCount"]) == ("Failed", 0)


def test_a_pod_that_restarts_on_failure_ends_when_it_succeeds() -> None:
    world = World()
    world.create(restartPolicy="OnFailure")
    world.run(0.5)
    world.exit(1, 0)
    world.run(3)
    assert (world.status["phase"], world.container()["restartCount"]) == ("Succeeded", 1)


def test_a_pod_past_its_deadline_fails() -> None:
    world = World()
    world.create(activeDeadlineSeconds=20)
    world.run(30)
    assert (world.status["phase"], world.status["reason"]) == ("Failed", "DeadlineExceeded")
    assert [ask.signal for _, ask in world.asks(SignalContainer)] == ["TERM"]


def test_a_deleted_pod_sleeps_gets_term_and_goes() -> None:
    world = World()
    hook = {"preStop": {"sleep": {"seconds": 5}}}
    world.create(container(lifecycle=hook, readinessProbe=PROBE, ports=PORTS))
    world.run(10)
    world.delete()
    world.run(4.9)
    assert world.condition("Ready") == "True"
    assert world.asks(SignalContainer) == []
    world.run(1)
    assert world.is_gone
    assert [(at, ask.signal) for at, ask in world.asks(SignalContainer)] == [(15.0, "TERM")]
    assert len(world.asks(RemovePod)) == 1


def test_a_program_that_ignores_term_is_killed_when_the_grace_is_over() -> None:
    world = World()
    world.hand = lambda ask, now: (
        [] if isinstance(ask, SignalContainer) and ask.signal == "TERM" else None
    )
    world.create(terminationGracePeriodSeconds=7)
    world.run(1)
    world.delete()
    world.run(10)
    signals = [(at, ask.signal) for at, ask in world.asks(SignalContainer)]
    assert signals == [(1.0, "TERM"), (8.0, "KILL")]
    assert world.is_gone


def test_a_hook_that_takes_all_the_grace_leaves_two_seconds() -> None:
    world = World()
    world.hand = lambda ask, now: [] if isinstance(ask, SignalContainer) else None
    hook = {"preStop": {"sleep": {"seconds": 5}}}
    world.create(container(lifecycle=hook), terminationGracePeriodSeconds=5)
    world.run(1)
    world.delete()
    world.run(9)
    signals = [(at, ask.signal) for at, ask in world.asks(SignalContainer)]
    assert signals == [(6.0, "TERM"), (8.0, "KILL")]


def test_a_pod_that_vanishes_is_killed_at_once() -> None:
    world = World()
    world.create()
    world.run(1)
    world.delete(grace_seconds=0)
    world.run(1)
    assert world.is_gone
    assert [ask.signal for _, ask in world.asks(SignalContainer)] == ["KILL"]
    assert len(world.asks(RemovePod)) == 1
    assert not world.kubelet.busy()


def test_the_pods_of_a_node_that_is_gone_are_killed() -> None:
    world = World()
    world.create()
    world.run(1)
    world.do(Delete(Key("", "Node", "", "web-1")))
    world.run(1)
    assert [ask.signal for _, ask in world.asks(SignalContainer)] == ["KILL"]


def test_a_machine_that_is_switched_off_and_on_starts_its_pods_again() -> None:
    world = World()
    world.create()
    world.run(1)
    node = Key("", "Node", "", "web-1")
    world.do(Patch(node, {"metadata": {"annotations": {STOPPED_ANNOTATION: "true"}}}))
    world.run(60)
    assert [ask.signal for _, ask in world.asks(SignalContainer)] == ["KILL"]
    assert world.state() == "running"
    (lease,) = world.cluster.store.list(LEASE)
    assert lease["spec"]["renewTime"] == "2027-01-15T08:00:00.000000Z"
    world.do(Patch(node, {"metadata": {"annotations": {STOPPED_ANNOTATION: None}}}))
    world.run(1)
    assert (world.state(), world.container()["restartCount"]) == ("running", 1)


def test_after_a_restart_what_ran_runs_again_and_what_ended_does_not() -> None:
    world = World()
    world.create(container(), container("job"), restartPolicy="OnFailure")
    world.run(0.5)
    world.exit(0, 0, "job")
    world.run(0.1)
    world.asked.clear()
    world.cluster.kubelet = Kubelet(AddressPlan(3))
    world.cluster.resume(world.now)
    world.run(0.5)
    started = [(ask.id.container, ask.id.attempt) for _, ask in world.asks(StartContainer)]
    assert started == [("app", 1)]
    assert world.container(0)["restartCount"] == 1
    assert world.container(0)["lastState"]["terminated"]["reason"] == "ContainerStatusUnknown"
    assert world.state(1) == "Completed"
    assert world.status["podIP"] == "127.19.0.1"


def test_after_a_restart_a_pod_that_was_over_is_left_as_it_was() -> None:
    world = World()
    world.create(restartPolicy="Never", initContainers=[container("setup")])
    world.run(5)
    before = world.pod
    assert world.status["phase"] == "Succeeded"
    world.cluster.kubelet = Kubelet(AddressPlan(3))
    world.cluster.resume(world.now)
    world.asked.clear()
    world.run(30)
    assert world.pod is before
    assert world.asked == []


def test_after_a_restart_a_pod_that_must_not_run_again_has_failed() -> None:
    world = World()
    world.create(restartPolicy="Never")
    world.run(0.5)
    world.cluster.kubelet = Kubelet(AddressPlan(3))
    world.cluster.resume(world.now)
    world.run(1)
    assert (world.status["phase"], world.state()) == ("Failed", "ContainerStatusUnknown")


def test_a_shutdown_stops_programs_and_says_nothing() -> None:
    world = World()
    world.create(container(lifecycle={"preStop": {"sleep": {"seconds": 20}}}))
    world.run(1)
    before = world.pod
    world.kubelet.shut_down(world.now)
    world.run(1)
    assert not world.kubelet.busy()
    assert world.pod is before


def test_nodes_are_ready_and_their_leases_are_renewed() -> None:
    world = World()
    world.run(31)
    node = world.cluster.store.get(Key("", "Node", "", "web-1"))
    assert node is not None
    assert condition_of(node, "Ready")["status"] == "True"  # type: ignore[index]
    (lease,) = world.cluster.store.list(LEASE)
    assert lease["spec"]["renewTime"] == "2027-01-15T08:00:30.000000Z"
    assert world.cluster.store.get(POD) is None


def test_a_container_put_into_a_running_pod_runs_once_and_changes_nothing_else() -> None:
    world = World()
    world.create()
    world.run(1)
    debugger = container("debugger")
    world.do(Patch(POD, {"spec": {"ephemeralContainers": [debugger]}}, "ephemeralcontainers"))
    world.run(1)
    (status,) = world.status["ephemeralContainerStatuses"]
    assert "running" in status["state"]
    world.exit(0, 0, "debugger")
    world.run(30)
    (status,) = world.status["ephemeralContainerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 0
    assert status["restartCount"] == 0
    assert (world.status["phase"], world.condition("Ready")) == ("Running", "True")
