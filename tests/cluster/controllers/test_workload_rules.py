"""Rules of the workload controllers on a whole cluster with modelled machines."""

from itertools import pairwise
from typing import Any

import pytest

from kiban.cluster.controllers.daemon_set.placing import target_node_of
from kiban.kube.objects import (
    DEPLOYMENT,
    EVENT,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    GroupKind,
    Key,
    Manifest,
    annotations_of,
    condition_of,
    get_in,
    is_deleting,
)
from kiban.primitives.instants import Instant
from kiban.rehearsal.machines import ServiceModel
from kiban.rehearsal.world import Settings, World

AUTOSCALER = GroupKind("autoscaling", "HorizontalPodAutoscaler")
QUICK = ServiceModel(start=1.0, stop=1.0, image_bytes=0)
ROLLBACK = "deprecated.deployment.rollback.to"


def workload(kind: str, name: str, **spec: Any) -> Manifest:
    containers = [{"name": "app", "image": spec.pop("image", "app:1")}]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template, **spec},
    }


def world(*manifests: Manifest) -> World:
    settings = Settings(warm_up_seconds=0, default_service=QUICK)
    made = World(manifests, settings)
    # Events are objects here, so that they can be read.
    made.cluster.executor.hear = None
    made.run_for(20)
    return made


def key(kind: GroupKind, name: str) -> Key:
    return Key(*kind, "default", name)


def reasons(made: World, name: str) -> list[str]:
    return [
        event["reason"]
        for event in made.api.list(EVENT, "default")
        if event["involvedObject"]["name"] == name
    ]


def pods_of(made: World, app: str) -> list[Manifest]:
    return list(made.api.store.selected(POD, "default", {"app": app}))


def image_patch(image: str) -> dict[str, Any]:
    containers = [{"name": "app", "image": image}]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


# DaemonSets

DAEMON_SET = GroupKind("apps", "DaemonSet")


def test_with_surge_an_old_daemon_stays_until_the_new_one_serves() -> None:
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    made = world(workload("DaemonSet", "agent", updateStrategy=strategy))
    made.api.patch(key(DAEMON_SET, "agent"), image_patch("app:2"), made.now)
    fewest = len(pods_of(made, "agent"))
    most = 0
    for second in range(21, 60):
        made.run_for(second)
        pods = [pod for pod in pods_of(made, "agent") if not is_deleting(pod)]
        ready = [pod for pod in pods if (condition_of(pod, "Ready") or {}).get("status") == "True"]
        fewest, most = min(fewest, len(ready)), max(most, len(pods))
    images = {pod["spec"]["containers"][0]["image"] for pod in pods_of(made, "agent")}
    assert (fewest, most, images) == (3, 4, {"app:2"})


def test_a_node_whose_daemon_fails_again_and_again_is_left_alone_ever_longer() -> None:
    made = world(workload("DaemonSet", "agent"))
    node = pods_of(made, "agent")[0]["spec"]["nodeName"]
    ends: list[float] = []

    def fail(now: Instant) -> None:
        for pod in pods_of(made, "agent"):
            name, runs = pod["metadata"]["name"], get_in(pod, "status", "phase") == "Running"
            if runs and pod["spec"]["nodeName"] == node:
                ends.append(made.seconds)
                made.api.patch(key(POD, name), {"status": {"phase": "Failed"}}, now, "status")

    for second in range(21, 60):
        made.after(second, fail)
    made.run_for(60)
    # The first goes at once, then 1 s, 2 s, 4 s … pass, to the next look of this test.
    gaps = [after - before for before, after in pairwise(ends)]
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 8


def test_a_daemon_that_waits_for_a_node_that_is_gone_is_deleted() -> None:
    wanted = workload("DaemonSet", "agent")
    [container] = wanted["spec"]["template"]["spec"]["containers"]
    container["resources"] = {"requests": {"cpu": "1000"}}
    made = world(wanted)
    waiting = [pod for pod in pods_of(made, "agent") if not pod["spec"].get("nodeName")]
    nodes = [node["metadata"]["name"] for node in made.api.list(NODE)]
    assert len(waiting) == len(nodes) == 3
    made.machines.remove(nodes[0], made.now)
    made.run_for(40)
    assert sorted(map(target_node_of, pods_of(made, "agent"))) == nodes[1:]


# Deployments


def test_the_annotation_of_old_clients_rolls_a_deployment_back() -> None:
    made = world(workload("Deployment", "web", replicas=2))
    made.api.patch(key(DEPLOYMENT, "web"), image_patch("app:2"), made.now)
    made.run_for(60)
    asked = {"metadata": {"annotations": {ROLLBACK: "0"}}}
    made.api.patch(key(DEPLOYMENT, "web"), asked, made.now)
    made.run_for(100)
    web = made.api.get(key(DEPLOYMENT, "web"))
    assert web is not None
    assert web["spec"]["template"]["spec"]["containers"][0]["image"] == "app:1"
    assert ROLLBACK not in annotations_of(web)
    assert annotations_of(web)["deployment.kubernetes.io/revision"] == "3"
    assert "RollbackDone" in reasons(made, "web")
    sizes = {
        one["spec"]["template"]["spec"]["containers"][0]["image"]: one["spec"]["replicas"]
        for one in made.api.list(REPLICA_SET, "default")
    }
    assert sizes == {"app:1": 2, "app:2": 0}


def test_a_rollback_to_a_revision_that_is_not_there_changes_nothing_but_the_wish() -> None:
    made = world(workload("Deployment", "web", replicas=1))
    asked = {"metadata": {"annotations": {ROLLBACK: "7"}}}
    made.api.patch(key(DEPLOYMENT, "web"), asked, made.now)
    made.run_for(30)
    assert "RollbackRevisionNotFound" in reasons(made, "web")
    assert ROLLBACK not in annotations_of(made.api.get(key(DEPLOYMENT, "web")) or {})


# StatefulSets


@pytest.mark.parametrize(
    ("policy", "after_scaling", "after_deletion"),
    [
        ({}, 3, 3),
        ({"whenScaled": "Delete"}, 1, 1),
        ({"whenDeleted": "Delete"}, 3, 0),
        ({"whenDeleted": "Delete", "whenScaled": "Delete"}, 1, 0),
    ],
)
def test_claims_go_when_their_policy_says_so(
    policy: dict[str, str], after_scaling: int, after_deletion: int
) -> None:
    storage = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claims = [{"metadata": {"name": "data"}, "spec": storage}]
    rule = {"persistentVolumeClaimRetentionPolicy": policy} if policy else {}
    db = workload("StatefulSet", "db", serviceName="db", replicas=3, volumeClaimTemplates=claims)
    made = world({**db, "spec": {**db["spec"], **rule}})
    kind = GroupKind("apps", "StatefulSet")
    made.api.scale(key(kind, "db"), 1, made.now)
    made.run_for(60)
    scaled = len(made.api.list(PERSISTENT_VOLUME_CLAIM, "default"))
    made.api.delete(key(kind, "db"), made.now)
    made.run_for(90)
    left = len(made.api.list(PERSISTENT_VOLUME_CLAIM, "default"))
    assert (scaled, left) == (after_scaling, after_deletion)


def test_a_claim_that_a_pod_mounts_stays_until_the_pod_is_gone() -> None:
    storage = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claims = [{"metadata": {"name": "data"}, "spec": storage}]
    made = world(
        workload("StatefulSet", "db", serviceName="db", replicas=1, volumeClaimTemplates=claims)
    )
    claim = key(PERSISTENT_VOLUME_CLAIM, "data-db-0")
    made.api.delete(claim, made.now)
    made.run_for(25)
    assert is_deleting(made.api.get(claim) or {"metadata": {}})
    made.api.scale(key(GroupKind("apps", "StatefulSet"), "db"), 0, made.now)
    made.run_for(60)
    assert made.api.get(claim) is None


# Budgets and autoscalers


def test_a_share_of_daemons_cannot_be_budgeted() -> None:
    spec = {"selector": {"matchLabels": {"app": "agent"}}, "maxUnavailable": "50%"}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
    made = world(
        workload("DaemonSet", "agent"), {**budget, "metadata": {"name": "agent"}, "spec": spec}
    )
    condition = condition_of(
        made.api.get(key(POD_DISRUPTION_BUDGET, "agent")) or {}, "DisruptionAllowed"
    )
    assert condition is not None
    assert condition["reason"] == "SyncFailed"
    assert condition["message"] == "daemonsets.apps does not implement the scale subresource"


def test_a_budget_follows_the_size_though_a_quota_holds_the_pods_back() -> None:
    """Found by a safety run: the budget went on to allow what the old size had allowed."""
    spec = {"selector": {"matchLabels": {"app": "web"}}, "maxUnavailable": 1}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight"}}
    made = world(
        workload("Deployment", "web", replicas=1),
        {**budget, "metadata": {"name": "web"}, "spec": spec},
        {**quota, "spec": {"hard": {"pods": "1"}}},
    )
    before = made.api.get(key(POD_DISRUPTION_BUDGET, "web"))
    made.api.scale(key(DEPLOYMENT, "web"), 5, made.now)
    made.run_for(30)
    after = made.api.get(key(POD_DISRUPTION_BUDGET, "web"))
    allowed = [get_in(one, "status", "disruptionsAllowed") for one in (before, after)]
    assert allowed == [1, 0]


def test_two_autoscalers_of_one_target_both_stand_still() -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scalers = [
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": name},
            "spec": {"scaleTargetRef": target, "maxReplicas": 5},
        }
        for name in ("one", "other")
    ]
    made = world(workload("Deployment", "web", replicas=2), *scalers)
    made.run_for(60)
    for name in ("one", "other"):
        active = condition_of(made.api.get(key(AUTOSCALER, name)) or {}, "ScalingActive")
        assert active is not None
        assert active["reason"] == "AmbiguousSelector"
        assert active["message"].endswith("multiple HPAs: [{one default} {other default}]")


# CronJobs


def test_a_job_that_is_replaced_surprises_nobody() -> None:
    pod = {"containers": [{"name": "app", "image": "app:1"}], "restartPolicy": "Never"}
    job = {"spec": {"template": {"spec": pod}}}
    spec = {"schedule": "* * * * *", "concurrencyPolicy": "Replace", "jobTemplate": job}
    cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick"}}
    slow = ServiceModel(start=1.0, run=300.0, image_bytes=0)
    settings = Settings(warm_up_seconds=0, default_service=slow)
    made = World([{**cron, "spec": spec}], settings)
    made.cluster.executor.hear = None
    made.run_for(200)
    assert sorted(reasons(made, "tick")) == ["SuccessfulCreate"] * 3 + ["SuccessfulDelete"] * 2
