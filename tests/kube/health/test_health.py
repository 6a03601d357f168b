"""Verdicts on every kind: what is healthy, what is still on its way, what is broken and why."""

from typing import Any

import pytest
from tests.kube.manifests import config_map, container, cron_job, deployment, job, pod, service

from kiban.kube.health import Health, health, worst
from kiban.kube.objects import Manifest
from kiban.primitives.instants import parse_rfc3339

Value = dict[str, Any]
NOW = parse_rfc3339("2026-11-21T12:00:00Z")


def condition(type_: str, status: str = "True", reason: str = "", message: str = "") -> Value:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def of_kind(api_version: str, kind: str, **fields: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, **fields}


def rolled(spec: Value | None = None, **status: Any) -> Manifest:
    """A deployment of three that its controller has seen."""
    manifest = deployment(**{"replicas": 3, **(spec or {})})
    manifest["metadata"] |= {"generation": 2, "uid": "d1"}
    done = {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "observedGeneration": 2}
    return {**manifest, "status": {**done, **status}}


def waiting(reason: str, message: str = "", **fields: Any) -> Manifest:
    state = {"waiting": {"reason": reason, "message": message}}
    status = {"name": "app", "ready": False, "restartCount": 1, "state": state, **fields}
    return {**pod(), "status": {"phase": "Pending", "containerStatuses": [status]}}


def verdict(found: Health) -> tuple[str, str]:
    return found.status, found.reason


def test_what_is_not_there_is_missing() -> None:
    assert health(None).status == "Missing"


def test_what_goes_is_progressing_and_says_what_holds_it() -> None:
    manifest = config_map()
    manifest["metadata"] |= {"deletionTimestamp": "2026-11-21T12:00:00Z", "finalizers": ["x/a"]}
    assert health(manifest) == Health("Progressing", "Terminating", "waiting for x/a")


def test_kinds_without_a_state_are_healthy() -> None:
    assert health(config_map()).is_healthy


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (rolled(), ("Healthy", "")),
        (rolled({"replicas": 0}, replicas=0, updatedReplicas=0), ("Healthy", "ScaledToZero")),
        (rolled({"paused": True}), ("Suspended", "Paused")),
        (rolled(observedGeneration=1), ("Progressing", "NotObserved")),
        (rolled(updatedReplicas=1), ("Progressing", "RollingOut")),
        (rolled(replicas=4), ("Progressing", "RollingOut")),
        (rolled(availableReplicas=2), ("Progressing", "RollingOut")),
        (
            rolled(conditions=[condition("Progressing", "False", "ProgressDeadlineExceeded")]),
            ("Degraded", "ProgressDeadlineExceeded"),
        ),
        (
            rolled(
                updatedReplicas=0,
                conditions=[condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota")],
            ),
            ("Degraded", "FailedCreate"),
        ),
    ],
)
def test_a_deployment_is_judged_by_its_rollout(
    manifest: Manifest, expected: tuple[str, str]
) -> None:
    assert verdict(health(manifest)) == expected


def test_a_rollout_is_early_told_what_its_newest_pods_suffer_from() -> None:
    def owned(manifest: Manifest, kind: str, by: str, **metadata: Any) -> Manifest:
        owner = {"kind": kind, "uid": by, "controller": True}
        inner = {**manifest["metadata"], "ownerReferences": [owner], **metadata}
        return {**manifest, "metadata": inner}

    revision = "deployment.kubernetes.io/revision"
    sets = [
        owned(
            of_kind("apps/v1", "ReplicaSet"),
            "Deployment",
            "d1",
            uid=f"rs{number}",
            annotations={revision: str(number)},
        )
        for number in (1, 2)
    ]
    old = owned(waiting("CrashLoopBackOff"), "ReplicaSet", "rs1")
    new = owned(waiting("ImagePullBackOff", "no such tag"), "ReplicaSet", "rs2")
    found = health(rolled(updatedReplicas=1), [*sets, old, new])
    assert verdict(found) == ("Progressing", "ImagePullBackOff")
    assert "no such tag" in found.message


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (pod(), ("Progressing", "Pending")),
        (
            {**pod(), "status": {"phase": "Running", "conditions": [condition("Ready")]}},
            ("Healthy", ""),
        ),
        ({**pod(), "status": {"phase": "Running"}}, ("Progressing", "NotReady")),
        (
            {**pod(restartPolicy="Never"), "status": {"phase": "Running"}},
            ("Progressing", "Running"),
        ),
        ({**pod(), "status": {"phase": "Succeeded"}}, ("Healthy", "Completed")),
        (
            {**pod(), "status": {"phase": "Failed", "reason": "Evicted"}},
            ("Degraded", "Evicted"),
        ),
        (waiting("ImagePullBackOff"), ("Degraded", "ImagePullBackOff")),
        (waiting("CreateContainerConfigError"), ("Degraded", "CreateContainerConfigError")),
        (waiting("CrashLoopBackOff"), ("Degraded", "CrashLoopBackOff")),
        (
            waiting("CrashLoopBackOff", lastState={"terminated": {"reason": "OOMKilled"}}),
            ("Degraded", "OOMKilled"),
        ),
        (waiting("ContainerCreating"), ("Progressing", "Pending")),
        (
            {
                **pod(),
                "status": {"conditions": [condition("PodScheduled", "False", "Unschedulable")]},
            },
            ("Progressing", "Unschedulable"),
        ),
    ],
)
def test_a_pod_is_judged_by_what_its_containers_do(
    manifest: Manifest, expected: tuple[str, str]
) -> None:
    assert verdict(health(manifest)) == expected


@pytest.mark.parametrize(
    ("conditions", "spec", "expected"),
    [
        ([], {}, ("Progressing", "Running")),
        ([condition("Complete")], {}, ("Healthy", "Completed")),
        (
            [condition("Failed", reason="BackoffLimitExceeded")],
            {},
            ("Degraded", "BackoffLimitExceeded"),
        ),
        ([condition("FailureTarget")], {}, ("Progressing", "Failing")),
        ([condition("Suspended")], {"suspend": True}, ("Suspended", "Suspended")),
        ([condition("Suspended", "False")], {"suspend": False}, ("Progressing", "Running")),
    ],
)
def test_a_job_is_healthy_only_when_it_is_complete(
    conditions: list[Value], spec: Value, expected: tuple[str, str]
) -> None:
    assert verdict(health({**job(**spec), "status": {"conditions": conditions}})) == expected


@pytest.mark.parametrize(
    ("status", "spec", "expected"),
    [
        ({"lastScheduleTime": "2026-11-21T11:59:00Z"}, {}, ("Degraded", "LastRunFailed")),
        (
            {
                "lastScheduleTime": "2026-11-21T11:55:00Z",
                "lastSuccessfulTime": "2026-11-21T11:55:09Z",
            },
            {},
            ("Healthy", ""),
        ),
        (
            {
                "lastScheduleTime": "2026-11-21T11:00:00Z",
                "lastSuccessfulTime": "2026-11-21T11:00:09Z",
            },
            {},
            ("Degraded", "MissedRun"),
        ),
        ({}, {"suspend": True}, ("Suspended", "Suspended")),
    ],
)
def test_a_schedule_is_judged_by_its_last_run_and_its_next(
    status: Value, spec: Value, expected: tuple[str, str]
) -> None:
    manifest = {**cron_job(**spec), "status": status}
    manifest["metadata"]["creationTimestamp"] = "2026-11-21T10:00:00Z"
    assert verdict(health(manifest, now=NOW)) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"readyReplicas": 1}, ("Progressing", "Starting")),
        (
            {"readyReplicas": 2, "currentRevision": "a", "updateRevision": "b"},
            ("Progressing", "RollingOut"),
        ),
        ({"readyReplicas": 2, "currentRevision": "b", "updateRevision": "b"}, ("Healthy", "")),
    ],
)
def test_a_stateful_set_is_judged_by_its_revision(status: Value, expected: tuple[str, str]) -> None:
    manifest = of_kind("apps/v1", "StatefulSet", spec={"replicas": 2}, status=status)
    assert verdict(health(manifest)) == expected


def test_a_service_needs_something_behind_it() -> None:
    manifest = service()
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "cart-1",
            "namespace": "shop",
            "labels": {"kubernetes.io/service-name": "cart"},
        },
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": False}}],
    }
    assert health(manifest).is_healthy
    assert verdict(health(manifest, [slice_])) == ("Progressing", "NoEndpoints")
    slice_["endpoints"][0]["conditions"]["ready"] = True
    assert health(manifest, [slice_]).is_healthy


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (
            of_kind("networking.k8s.io/v1", "Ingress", spec={"ingressClassName": "alb"}),
            ("Progressing", "NoAddress"),
        ),
        (
            of_kind("networking.k8s.io/v1", "Ingress", spec={"ingressClassName": "kiban"}),
            ("Healthy", ""),
        ),
        (
            of_kind("v1", "PersistentVolumeClaim", status={"phase": "Lost"}),
            ("Degraded", "Lost"),
        ),
        (
            of_kind(
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                status={
                    "conditions": [
                        condition("AbleToScale"),
                        condition("ScalingActive", "False", "FailedGetResourceMetric"),
                    ]
                },
            ),
            ("Degraded", "FailedGetResourceMetric"),
        ),
        (
            of_kind(
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                status={
                    "conditions": [
                        condition("AbleToScale"),
                        condition("ScalingLimited", "True", "TooManyReplicas"),
                    ]
                },
            ),
            ("Healthy", "AtMaximum"),
        ),
        (
            of_kind(
                "policy/v1",
                "PodDisruptionBudget",
                status={"expectedPods": 1, "currentHealthy": 1, "desiredHealthy": 1},
            ),
            ("Healthy", "NoDisruptionAllowed"),
        ),
        (
            of_kind("v1", "Node", status={"conditions": [condition("Ready", "Unknown")]}),
            ("Unknown", "NodeStatusUnknown"),
        ),
        (
            of_kind("example.com/v1", "Widget", status={"conditions": [condition("Ready")]}),
            ("Healthy", ""),
        ),
        (
            of_kind(
                "example.com/v1",
                "Widget",
                status={"conditions": [condition("Stalled", "True", "BadSpec")]},
            ),
            ("Degraded", "BadSpec"),
        ),
        (
            of_kind(
                "example.com/v1",
                "Widget",
                status={"conditions": [condition("Ready", "False", "Creating")]},
            ),
            ("Progressing", "Creating"),
        ),
    ],
)
def test_every_other_kind_has_its_rule(manifest: Manifest, expected: tuple[str, str]) -> None:
    assert verdict(health(manifest)) == expected


def test_a_claim_waits_for_its_first_user_in_health() -> None:
    claim = of_kind("v1", "PersistentVolumeClaim", spec={"storageClassName": "disk"})
    storage = of_kind("storage.k8s.io/v1", "StorageClass")
    storage = {**storage, "metadata": {"name": "disk"}}
    storage["volumeBindingMode"] = "WaitForFirstConsumer"
    assert verdict(health(claim, [storage])) == ("Healthy", "WaitForFirstConsumer")
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "x"}}
    user = pod(container(), volumes=[volume])
    assert verdict(health(claim, [storage, user])) == ("Progressing", "Pending")


def test_a_group_is_as_well_as_its_worst_member() -> None:
    members = [Health("Healthy"), Health("Progressing", "A"), Health("Degraded", "B")]
    assert worst(members) == Health("Degraded", "B")
    assert worst([]) == Health("Healthy")
