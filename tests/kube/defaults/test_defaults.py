"""What Kubernetes fills in, kind by kind, and that it does so only once."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kube.manifests import (
    config_map,
    container,
    cron_job,
    deployment,
    job,
    pod,
    service,
)

from kiban.kube.defaults import default
from kiban.kube.defaults.pods import pull_policy, qos_class
from kiban.kube.defaults.workloads import with_job_selector
from kiban.kube.objects import Manifest

Value = dict[str, Any]
FULL_CONTAINER = {
    **container(),
    "imagePullPolicy": "IfNotPresent",
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
FULL_POD = {
    "containers": [FULL_CONTAINER],
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}


def test_a_pod_is_completed() -> None:
    after = default(pod())
    assert after["spec"] == {**FULL_POD, "enableServiceLinks": True}
    assert after["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_a_template_is_completed_like_a_pod_but_for_what_only_pods_get() -> None:
    after = default(deployment())
    assert after["spec"]["template"]["spec"] == FULL_POD
    assert after["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
    }
    assert after["spec"]["replicas"] == 1
    assert after["spec"]["revisionHistoryLimit"] == 10
    assert after["spec"]["progressDeadlineSeconds"] == 600
    assert after["status"] == {}


def test_recreate_has_no_rolling_update() -> None:
    after = default(deployment(strategy={"type": "Recreate"}))
    assert after["spec"]["strategy"] == {"type": "Recreate"}


def test_the_inside_of_containers_is_completed() -> None:
    inner = container(
        ports=[{"containerPort": 80}],
        env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        livenessProbe={"httpGet": {"port": 80}},
        readinessProbe={"grpc": {"port": 81}, "periodSeconds": 5},
    )
    after = default(pod(inner))["spec"]["containers"][0]
    timing = {
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    assert after["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert after["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"
    assert after["livenessProbe"] == {
        **timing,
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
    }
    assert after["readinessProbe"] == {
        **timing,
        "periodSeconds": 5,
        "grpc": {"port": 81, "service": ""},
    }


def test_requests_follow_limits_in_pods_only() -> None:
    limited = container(resources={"limits": {"cpu": "1", "memory": "1Gi"}})
    after = default(pod(limited))
    assert after["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1", "memory": "1Gi"}
    assert after["status"]["qosClass"] == "Guaranteed"
    template = default(deployment(limited))["spec"]["template"]
    assert "requests" not in template["spec"]["containers"][0]["resources"]


def test_requests_alone_are_burstable() -> None:
    spec = pod(container(resources={"requests": {"cpu": "1"}}))["spec"]
    assert qos_class(spec) == "Burstable"


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("registry:5000/nginx", "Always"),
        ("nginx:1.2", "IfNotPresent"),
        ("nginx@sha256:aa", "IfNotPresent"),
    ],
)
def test_only_fixed_images_are_kept(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_a_volume_without_a_source_is_empty() -> None:
    after = default(pod(volumes=[{"name": "v"}, {"name": "c", "configMap": {"name": "x"}}]))
    assert after["spec"]["volumes"] == [
        {"name": "v", "emptyDir": {}},
        {"name": "c", "configMap": {"name": "x", "defaultMode": 420}},
    ]


def test_a_negative_grace_period_is_one_second() -> None:
    after = default(pod(terminationGracePeriodSeconds=-5))
    assert after["spec"]["terminationGracePeriodSeconds"] == 1


def test_a_service_gets_its_target_ports_and_families() -> None:
    spec = default(service({"port": 80}, {"port": 81, "targetPort": "web"}))["spec"]
    assert spec["ports"] == [
        {"port": 80, "protocol": "TCP", "targetPort": 80},
        {"port": 81, "protocol": "TCP", "targetPort": "web"},
    ]
    assert spec["type"] == "ClusterIP"
    assert spec["ipFamilies"] == ["IPv4"] and spec["ipFamilyPolicy"] == "SingleStack"


def test_a_headless_service_without_pods_may_have_both_families() -> None:
    manifest = service(clusterIP="None")
    del manifest["spec"]["selector"]
    spec = default(manifest)["spec"]
    assert spec["clusterIPs"] == ["None"]
    assert spec["ipFamilyPolicy"] == "RequireDualStack"


def test_a_job_runs_once_unless_told_otherwise() -> None:
    spec = default(job())["spec"]
    assert (spec["parallelism"], spec["completions"], spec["backoffLimit"]) == (1, 1, 6)
    assert "completions" not in default(job(parallelism=4))["spec"]
    assert default(job(podFailurePolicy={}))["spec"]["podReplacementPolicy"] == "Failed"


def test_a_new_job_selects_its_pods_by_its_uid() -> None:
    manifest = default(job())
    manifest = {**manifest, "metadata": {**manifest["metadata"], "uid": "u1"}}
    after = with_job_selector(manifest)
    mark = {"batch.kubernetes.io/controller-uid": "u1"}
    assert after["spec"]["selector"] == {"matchLabels": mark}
    assert mark.items() <= after["spec"]["template"]["metadata"]["labels"].items()


def test_secrets_fold_their_texts_into_data() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": "eA=="},
        "stringData": {"a": "new", "b": "see"},
    }
    after = default(secret)
    assert after["data"] == {"a": "bmV3", "b": "c2Vl"}
    assert after["type"] == "Opaque" and "stringData" not in after


def test_an_autoscaler_aims_at_80_percent_of_cpu() -> None:
    manifest = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": {"maxReplicas": 5, "behavior": {"scaleDown": {"selectPolicy": "Disabled"}}},
    }
    spec = default(manifest)["spec"]
    assert spec["metrics"][0]["resource"]["target"]["averageUtilization"] == 80
    assert spec["behavior"]["scaleDown"]["selectPolicy"] == "Disabled"
    assert spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0


def test_kinds_without_defaults_come_back_as_they_are() -> None:
    manifest = config_map(k="v")
    assert default(manifest) is manifest


def test_nothing_is_changed_in_place() -> None:
    manifest = deployment(container(ports=[{"containerPort": 80}]))
    before = repr(manifest)
    default(manifest)
    assert repr(manifest) == before


CONTAINERS = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b"]), "image": st.sampled_from(["x", "x:1"])},
    optional={
        "ports": st.just([{"containerPort": 80}]),
        "livenessProbe": st.sampled_from([{"httpGet": {"port": 80}}, {"grpc": {"port": 1}}]),
        "resources": st.sampled_from([{}, {"limits": {"cpu": "1"}}]),
        "lifecycle": st.just({"preStop": {"httpGet": {"port": 80}}}),
    },
)
POD_SPECS = st.fixed_dictionaries(
    {"containers": st.lists(CONTAINERS, min_size=1, max_size=2)},
    optional={
        "initContainers": st.lists(CONTAINERS, max_size=1),
        "hostNetwork": st.booleans(),
        "serviceAccountName": st.just("sa"),
        "volumes": st.sampled_from([[{"name": "v"}], [{"name": "v", "secret": {}}]]),
    },
)


def of_kind(kind: str, spec: Value) -> Manifest:
    bodies = {
        "Pod": pod() | {"spec": spec},
        "Deployment": deployment() | {"spec": {"template": {"spec": spec}}},
        "StatefulSet": {
            **deployment(),
            "kind": "StatefulSet",
            "spec": {"template": {"spec": spec}},
        },
        "DaemonSet": {**deployment(), "kind": "DaemonSet", "spec": {"template": {"spec": spec}}},
        "Job": job() | {"spec": {"template": {"spec": spec}}},
        "CronJob": cron_job() | {"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}},
    }
    return bodies[kind]


KINDS = st.sampled_from(["Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"])


@settings(derandomize=True, deadline=None)
@given(KINDS, POD_SPECS)
def test_defaults_are_filled_in_once(kind: str, spec: Value) -> None:
    once = default(of_kind(kind, spec))
    assert default(once) == once
