"""A small random cluster: nodes in zones, workloads of every kind, budgets; drawn from one stream.

Everything fits on the nodes, so that a run that is left alone comes to rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kiban.kube.objects import Manifest
from kiban.primitives.chance import Stream
from kiban.primitives.quantities import milli

ZONES = ("a", "b", "c")
# The largest size that anybody gives a workload, and the largest request of a pod.
MOST_REPLICAS = 6
LARGEST_MILLI = 400
# Room for the pods that an update has beyond its size.
SPARE_PODS = 4
GOOD_IMAGES = ("app:1", "app:2", "app:3")
IMPORTANT = "important"
PASSING_NAMESPACE = "passing"
CRASHING_IMAGE, UNREADY_IMAGE, SHORT_IMAGE, FAILING_IMAGE = (
    "app:crashes", "app:never-ready", "job:short", "job:fails",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setup:
    """What a run begins with. Nodes come `node_gap` seconds apart; then pods wait for them."""

    nodes: tuple[Manifest, ...]
    manifests: tuple[Manifest, ...]
    node_gap: float = 0.0


def setup_of(dice: Stream) -> Setup:
    """The cluster of a run; every other one has hardly more room than it needs."""
    manifests: list[Manifest] = [_important()]
    for number in range(dice.randint(1, 2)):
        manifests += _deployment(f"web{number}", dice)
    manifests += _passing(dice)
    for make in dice.sample((_stateful_set, _daemon_set, _job, _indexed_job, _cron_job), 2):
        manifests += make(dice)
    count = dice.randint(3, 5)
    cpu_milli = dice.choice((4000, -(-_most_wanted(manifests) // count) + LARGEST_MILLI))
    nodes = tuple(_node(number, cpu_milli) for number in range(count))
    return Setup(nodes, tuple(manifests), dice.choice((0.0, 0.0, 4.0)))


def _most_wanted(manifests: Iterable[Manifest]) -> int:
    """Millicores of all workloads at their largest. As no pod asks for more than the largest
    request, nodes of an equal share and that much more always have a place for the next pod."""
    total = SPARE_PODS * LARGEST_MILLI
    for manifest in manifests:
        spec = manifest.get("spec", {}).get("jobTemplate", manifest).get("spec", {})
        if "template" in spec:
            [container] = spec["template"]["spec"]["containers"]
            asked = milli(container["resources"]["requests"]["cpu"])
            total += asked * (
                2 * MOST_REPLICAS if manifest["kind"] == "DaemonSet" else MOST_REPLICAS
            )
    return total


def _node(number: int, cpu_milli: int) -> Manifest:
    name, zone = f"n{number}", ZONES[number % len(ZONES)]
    size = {"cpu": f"{cpu_milli}m", "memory": "8Gi", "pods": "16"}
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"capacity": size, "allocatable": size},
    }


def _template(name: str, dice: Stream, image: str = GOOD_IMAGES[0], **spec: Any) -> Manifest:
    requests = {"cpu": dice.choice(("100m", "250m", "400m")), "memory": "128Mi"}
    probe = {"httpGet": {"port": 80}, "periodSeconds": dice.choice((1, 5))}
    container = {"name": "app", "image": image, "resources": {"requests": requests}}
    if "restartPolicy" not in spec:
        container["readinessProbe"] = probe
    if dice.random() < 0.3:
        # Nodes that fall silent are given up sooner than after five minutes.
        spec["tolerations"] = [
            {
                "key": f"node.kubernetes.io/{key}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": dice.choice((5, 30)),
            }
            for key in ("not-ready", "unreachable")
        ]
    if dice.random() < 0.2:
        spec["priorityClassName"] = IMPORTANT
    spec |= {"containers": [container], "terminationGracePeriodSeconds": dice.choice((2, 30))}
    return {"metadata": {"labels": {"app": name}}, "spec": spec}


def _workload(kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    spec = {"selector": {"matchLabels": {"app": name}}, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _deployment(name: str, dice: Stream) -> list[Manifest]:
    size = dice.randint(1, MOST_REPLICAS)
    rolling = {
        "maxSurge": dice.choice((0, 1, 2, "25%", "50%")),
        "maxUnavailable": dice.choice((1, "25%", "40%")),
    }
    strategy: dict[str, Any] = {"type": "RollingUpdate", "rollingUpdate": rolling}
    if dice.random() < 0.15:
        strategy = {"type": "Recreate"}
    template = _template(name, dice)
    if dice.random() < 0.3:
        template["spec"]["topologySpreadConstraints"] = [_spread(name, dice)]
    spec = {
        "replicas": size,
        "strategy": strategy,
        "template": template,
        "minReadySeconds": dice.choice((0, 0, 3)),
        "progressDeadlineSeconds": 60,
        "revisionHistoryLimit": dice.choice((1, 10)),
    }
    budget = _budget(name, size, dice)
    return [*budget, _service(name), _workload("Deployment", name, spec)]


def _important() -> Manifest:
    kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    return {**kind, "metadata": {"name": IMPORTANT}, "value": 1000}


def _passing(dice: Stream) -> list[Manifest]:
    """Sometimes a namespace with something in it, which somebody may delete."""
    if dice.random() < 0.7:
        return []
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PASSING_NAMESPACE}}
    return [
        space,
        *(
            {**one, "metadata": {**one["metadata"], "namespace": PASSING_NAMESPACE}}
            for one in _deployment("guest", dice)
        ),
    ]


def _spread(name: str, dice: Stream) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": dice.choice(("topology.kubernetes.io/zone", "kubernetes.io/hostname")),
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": name}},
    }


def _budget(name: str, size: int, dice: Stream) -> list[Manifest]:
    rule = dice.choice(
        (
            None,
            {"minAvailable": max(1, size - 1)},
            {"minAvailable": "50%"},
            {"maxUnavailable": 1},
            {"maxUnavailable": "30%"},
        )
    )
    if rule is None:
        return []
    spec: dict[str, Any] = {"selector": {"matchLabels": {"app": name}}, **rule}
    if dice.random() < 0.3:
        spec["unhealthyPodEvictionPolicy"] = "AlwaysAllow"
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
    return [{**budget, "metadata": {"name": name}, "spec": spec}]


def _service(name: str) -> Manifest:
    spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def _stateful_set(dice: Stream) -> list[Manifest]:
    size = dice.randint(1, 4)
    spec = {
        "replicas": size,
        "serviceName": "db",
        "podManagementPolicy": dice.choice(("OrderedReady", "OrderedReady", "Parallel")),
        "template": _template("db", dice),
    }
    return [*_budget("db", size, dice), _workload("StatefulSet", "db", spec)]


def _daemon_set(dice: Stream) -> list[Manifest]:
    rolling = dice.choice(
        ({"maxUnavailable": 1}, {"maxUnavailable": "50%"}, {"maxSurge": 1, "maxUnavailable": 0})
    )
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    template = _template("agent", dice)
    template["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "50m"
    return [_workload("DaemonSet", "agent", {"updateStrategy": strategy, "template": template})]


def _job_spec(name: str, dice: Stream, **more: Any) -> dict[str, Any]:
    image = FAILING_IMAGE if dice.random() < 0.15 else SHORT_IMAGE
    template = _template(name, dice, image, restartPolicy=dice.choice(("Never", "OnFailure")))
    if template["spec"]["restartPolicy"] == "Never" and dice.random() < 0.3:
        ignored = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
        more["podFailurePolicy"] = {"rules": [ignored]}
    return {
        "template": template,
        "parallelism": dice.randint(1, 3),
        "backoffLimit": dice.choice((2, 6)),
        **more,
    }


def _batch(kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    return {"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _job(dice: Stream) -> list[Manifest]:
    spec = _job_spec("work", dice, completions=dice.randint(1, 5))
    return [_batch("Job", "work", spec)]


def _indexed_job(dice: Stream) -> list[Manifest]:
    spec = _job_spec("parts", dice, completions=dice.randint(2, 5), completionMode="Indexed")
    if dice.random() < 0.4:
        spec["backoffLimitPerIndex"] = 1
        spec["template"]["spec"]["restartPolicy"] = "Never"
    return [_batch("Job", "parts", spec)]


def _cron_job(dice: Stream) -> list[Manifest]:
    spec = {
        "schedule": "* * * * *",
        "concurrencyPolicy": dice.choice(("Allow", "Forbid", "Replace")),
        "successfulJobsHistoryLimit": 1,
        "jobTemplate": {"spec": _job_spec("tick", dice, completions=1)},
    }
    return [_batch("CronJob", "tick", spec)]
