"""The same autoscaler and the same event in two versions."""

from tests.kube.manifests import config_map

from kiban.kube.conversions import converted

CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
}
PODS = {
    "type": "Pods",
    "pods": {
        "metric": {"name": "rps"},
        "target": {"type": "AverageValue", "averageValue": "10"},
    },
}
AUTOSCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "h"},
    "spec": {"minReplicas": 1, "maxReplicas": 3, "metrics": [CPU]},
    "status": {"currentReplicas": 2, "desiredReplicas": 2, "currentMetrics": None},
}


def test_the_cpu_target_is_a_number_in_version_1() -> None:
    old = converted(AUTOSCALER, "autoscaling/v1")
    assert old["spec"] == {
        "minReplicas": 1,
        "maxReplicas": 3,
        "targetCPUUtilizationPercentage": 70,
    }
    assert converted(old, "autoscaling/v2") == AUTOSCALER


def test_what_version_1_cannot_say_survives_the_way_there_and_back() -> None:
    rich = {**AUTOSCALER, "spec": {**AUTOSCALER["spec"], "metrics": [PODS, CPU]}}
    assert converted(converted(rich, "autoscaling/v1"), "autoscaling/v2") == rich


def test_an_event_is_the_same_in_both_groups() -> None:
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p"},
        "message": "started",
        "reason": "Started",
        "count": 2,
    }
    new = converted(event, "events.k8s.io/v1")
    assert new["regarding"] == {"kind": "Pod", "name": "p"}
    assert (new["note"], new["deprecatedCount"]) == ("started", 2)
    assert converted(new, "v1") == event


def test_the_same_version_is_the_same_object() -> None:
    manifest = config_map()
    assert converted(manifest, "v1") is manifest


def test_version_1_keeps_metrics_and_behaviour_in_annotations_of_their_own_form() -> None:
    policy = {"type": "Pods", "value": 2, "periodSeconds": 60}
    behavior = {"scaleDown": {"policies": [policy], "selectPolicy": "Max"}}
    status = {
        "desiredReplicas": 2,
        "currentMetrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "current": {"averageUtilization": 5}},
            }
        ],
    }
    rich = {
        **AUTOSCALER,
        "spec": {"maxReplicas": 3, "metrics": [PODS], "behavior": behavior},
        "status": status,
    }
    old = converted(rich, "autoscaling/v1")
    assert old["metadata"]["annotations"] == {
        "autoscaling.alpha.kubernetes.io/metrics": (
            '[{"type":"Pods","pods":{"metricName":"rps","targetAverageValue":"10"}}]'
        ),
        "autoscaling.alpha.kubernetes.io/current-metrics": (
            '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":5,'
            '"currentAverageValue":"0"}}]'
        ),
        "autoscaling.alpha.kubernetes.io/behavior": (
            '{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":"Max",'
            '"Policies":[{"Type":"Pods","Value":2,"PeriodSeconds":60}],"Tolerance":null}}'
        ),
    }
    assert converted(old, "autoscaling/v2")["spec"]["behavior"] == behavior
