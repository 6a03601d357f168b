"""What may happen to the cluster of a run: to its machines, its API, its controllers, its users.

Every act draws what it needs from the stream that it is given. What is refused is dropped, as a
person would shrug; drains ask again every five seconds, as `kubectl drain` does.
"""

from collections.abc import Callable
from typing import Any, Literal

from kiban.cluster.api.calls import DeleteOptions
from kiban.cluster.api.failures import Failure
from kiban.kube.objects import (
    CRON_JOB,
    DEPLOYMENT,
    JOB,
    NODE,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    STATEFUL_SET,
    GroupKind,
    Key,
    Manifest,
    controller_of,
    get_in,
    is_deleting,
    is_true,
    key_of,
)
from kiban.primitives.chance import Stream
from kiban.primitives.instants import Instant
from kiban.rehearsal.safety.setup import (
    CRASHING_IMAGE,
    GOOD_IMAGES,
    MOST_REPLICAS,
    PASSING_NAMESPACE,
    UNREADY_IMAGE,
)
from kiban.rehearsal.safety.trial import Trial

DRAIN_RETRY_SECONDS = 5.0
Act = Callable[[Trial, Stream, Instant], None]

DAEMON_SET = GroupKind("apps", "DaemonSet")
RESOURCE_QUOTA = Key("", "ResourceQuota", "default", "tight")
_DELETABLE = (
    POD, POD, REPLICA_SET, JOB, GroupKind("apps", "ControllerRevision"),
    GroupKind("discovery.k8s.io", "EndpointSlice"), POD_DISRUPTION_BUDGET,
)  # fmt: skip
_POLICIES: tuple[Literal["Background", "Foreground"], ...] = ("Background", "Foreground")
_DELAYED = (
    "replicaset-controller", "deployment-controller", "default-scheduler", "job-controller",
    "disruption-controller", "statefulset-controller", "endpointslice-controller",
    "garbage-collector-controller", "daemonset-controller", "node-lifecycle-controller",
)  # fmt: skip


def act(trial: Trial, now: Instant) -> None:
    """One act, drawn from all there are."""
    dice = trial.chance.stream("acts")
    chosen = dice.choices([name for name, _ in ACTS], [weight for _, weight in ACTS])[0]
    try:
        chosen(trial, dice, now)
    except Failure:
        return


def _one_of(trial: Trial, kind: GroupKind, dice: Stream) -> Manifest | None:
    found = trial.world.api.list(kind, "" if kind == NODE else "default")
    return dice.choice(found) if found else None


# Machines


def _silence_node(trial: Trial, dice: Stream, now: Instant) -> None:
    machines = trial.world.machines
    alive = sorted(name for name, machine in machines.machines.items() if machine.is_alive)
    if len(alive) < 2:
        return
    name = dice.choice(alive)
    machines.stop(name, now)
    trial.after(dice.choice((8.0, 70.0, 200.0)), lambda at: start_node(trial, name, at))


def start_node(trial: Trial, name: str, now: Instant) -> None:
    """The machine is back, if it is still there and was away."""
    machine = trial.world.machines.machines.get(name)
    if machine is not None and not machine.is_alive:
        trial.world.machines.start(name, now)


def _lose_node(trial: Trial, dice: Stream, now: Instant) -> None:
    """The machine is gone with its Node; another one comes."""
    machines = trial.world.machines
    if len(machines.machines) < 3:
        return
    name = dice.choice(sorted(machines.machines))
    machines.remove(name, now)
    successor = trial.renamed(name)
    trial.after(dice.choice((20.0, 90.0)), lambda at: trial.add_node(successor, at))


def _flap(trial: Trial, dice: Stream, now: Instant) -> None:
    """A ready pod fails its probes for a while."""
    pod = _one_of(trial, POD, dice)
    machine = trial.world.machines.machines.get(get_in(pod, "spec", "nodeName", default=""))
    if pod is not None and is_true(pod, "Ready") and machine is not None and machine.is_alive:
        _report(trial, pod, False, now)
        trial.after(dice.choice((2.0, 15.0)), lambda at: _report(trial, pod, True, at))


def _report(trial: Trial, pod: Manifest, ready: bool, now: Instant) -> None:
    machines = trial.world.machines
    known = machines.pods.get(pod["metadata"]["uid"])
    live = trial.world.api.get(key_of(pod))
    if known is None or live is None or not known.is_running or is_deleting(live):
        return
    machine = machines.machines.get(known.node)
    if machine is not None and machine.is_alive:
        machines.report_ready(live, ready, now)
    elif machine is not None:
        # Nothing is heard of it before the machine is back.
        trial.after(5.0, lambda at: _report(trial, pod, ready, at))


# The control plane


def _hinder_api(trial: Trial, dice: Stream, now: Instant) -> None:
    trial.executor.is_active = True
    trial.executor.share = dice.choice((0.05, 0.2, 0.6))
    trial.after(dice.choice((1.0, 10.0, 30.0)), lambda at: heal_api(trial, at))


def heal_api(trial: Trial, now: Instant) -> None:
    """Requests are answered again."""
    trial.executor.is_active = False


def _delay_controller(trial: Trial, dice: Stream, now: Instant) -> None:
    trial.delay(dice.choice(_DELAYED), dice.choice((0.5, 5.0, 20.0)), now)


def _restart(trial: Trial, dice: Stream, now: Instant) -> None:
    trial.restart(now)


# People


def _deploy(trial: Trial, dice: Stream, now: Instant) -> None:
    workload = _one_of(trial, dice.choice((DEPLOYMENT, DEPLOYMENT, STATEFUL_SET, DAEMON_SET)), dice)
    if workload is not None:
        images = (*GOOD_IMAGES, *GOOD_IMAGES, CRASHING_IMAGE, UNREADY_IMAGE)
        set_image(trial, workload, dice.choice(images), now)


def set_image(trial: Trial, workload: Manifest, image: str, now: Instant) -> None:
    """Another version."""
    [container] = workload["spec"]["template"]["spec"]["containers"]
    if container["image"] != image:
        spec = {"containers": [{**container, "image": image}]}
        patch = {"spec": {"template": {"spec": spec}}}
        trial.world.api.patch(key_of(workload), patch, now)


def _scale(trial: Trial, dice: Stream, now: Instant) -> None:
    workload = _one_of(trial, dice.choice((DEPLOYMENT, DEPLOYMENT, STATEFUL_SET)), dice)
    if workload is not None:
        trial.world.api.scale(key_of(workload), dice.randint(0, MOST_REPLICAS), now)


def _set_back(trial: Trial, dice: Stream, now: Instant) -> None:
    """Pause, another strategy, another limit: what people do while something is under way."""
    deployment = _one_of(trial, DEPLOYMENT, dice)
    if deployment is None:
        return
    rolling = {"maxSurge": dice.choice((1, "25%")), "maxUnavailable": dice.choice((0, "25%", 2))}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    changes: tuple[dict[str, Any], ...] = (
        {"paused": not deployment["spec"].get("paused", False)},
        {"strategy": strategy},
        {"strategy": {"type": "Recreate", "rollingUpdate": None}},
    )
    trial.world.api.patch(key_of(deployment), {"spec": dice.choice(changes)}, now)


def _suspend(trial: Trial, dice: Stream, now: Instant) -> None:
    job = _one_of(trial, dice.choice((JOB, CRON_JOB)), dice)
    if job is not None:
        suspended = not job["spec"].get("suspend", False)
        trial.world.api.patch(key_of(job), {"spec": {"suspend": suspended}}, now)


def _evict(trial: Trial, dice: Stream, now: Instant) -> None:
    pod = _one_of(trial, POD, dice)
    if pod is not None:
        trial.evict(pod, now)


def _drain(trial: Trial, dice: Stream, now: Instant) -> None:
    node = _one_of(trial, NODE, dice)
    if node is None or get_in(node, "spec", "unschedulable"):
        return
    key = key_of(node)
    trial.world.api.patch(key, {"spec": {"unschedulable": True}}, now)
    for pod in trial.world.api.store.on_node(key.name):
        if (controller_of(pod) or {}).get("kind") != DAEMON_SET.kind:
            _evict_until_gone(trial, pod, now)
    trial.after(dice.choice((20.0, 60.0)), lambda at: uncordon(trial, key, at))


def _evict_until_gone(trial: Trial, pod: Manifest, now: Instant) -> None:
    live = trial.world.api.get(key_of(pod))
    if live is None or live["metadata"]["uid"] != pod["metadata"]["uid"]:
        return
    node = trial.world.api.get(Key(*NODE, "", get_in(live, "spec", "nodeName", default="")))
    if not get_in(node, "spec", "unschedulable"):
        return
    try:
        trial.evict(live, now)
    except Failure:
        trial.after(DRAIN_RETRY_SECONDS, lambda at: _evict_until_gone(trial, pod, at))


def uncordon(trial: Trial, key: Key, now: Instant) -> None:
    """The node takes pods again."""
    if get_in(trial.world.api.get(key), "spec", "unschedulable"):
        trial.world.api.patch(key, {"spec": {"unschedulable": None}}, now)


def _delete(trial: Trial, dice: Stream, now: Instant) -> None:
    found = _one_of(trial, dice.choice(_DELETABLE), dice)
    if found is None:
        return
    # Never 0: by that the caller says that the pod's machine is known to be gone.
    grace = 1 if found["kind"] == POD.kind and dice.random() < 0.3 else None
    options = DeleteOptions(grace_seconds=grace, propagation=dice.choice(_POLICIES))
    trial.world.api.delete(key_of(found), now, options)


def _tighten(trial: Trial, dice: Stream, now: Instant) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": RESOURCE_QUOTA.name},
        "spec": {"hard": {"pods": str(dice.randint(0, 8))}},
    }
    trial.world.api.apply(quota, now)
    trial.after(dice.choice((10.0, 60.0)), lambda at: loosen(trial, at))


def loosen(trial: Trial, now: Instant) -> None:
    """No quota any more."""
    if trial.world.api.get(RESOURCE_QUOTA) is not None:
        trial.world.api.delete(RESOURCE_QUOTA, now)


def _close_namespace(trial: Trial, dice: Stream, now: Instant) -> None:
    key = Key("", "Namespace", "", PASSING_NAMESPACE)
    if trial.world.api.get(key) is not None:
        trial.world.api.delete(key, now)


ACTS: tuple[tuple[Act, int], ...] = (
    (_deploy, 6),
    (_scale, 5),
    (_silence_node, 3),
    (_lose_node, 2),
    (_flap, 4),
    (_hinder_api, 4),
    (_delay_controller, 3),
    (_restart, 2),
    (_set_back, 2),
    (_suspend, 2),
    (_evict, 5),
    (_drain, 4),
    (_delete, 5),
    (_tighten, 2),
    (_close_namespace, 2),
)
