"""What is refused, field by field, in Kubernetes' words; and what may not change."""

from typing import Any

import pytest
from tests.kube.manifests import config_map, container, cron_job, deployment, job, pod, service

from kiban.kube.defaults import default
from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import DEPLOYMENT, Manifest
from kiban.kube.validation import (
    Fault,
    invalid_message,
    status_causes,
    validate_create,
    validate_update,
)

Value = dict[str, Any]
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
    "'93%', regex used for validation is '[0-9]+%')"
)


def faults_of(manifest: Manifest) -> list[str]:
    info = standard_kinds().of_manifest(manifest)
    assert info is not None
    return [str(fault) for fault in validate_create(default(manifest), info)]


def faults_of_change(old: Manifest, new: Manifest) -> list[str]:
    info = standard_kinds().of_manifest(new)
    assert info is not None
    faults = validate_update(default(old), default(new), info)
    return list(dict.fromkeys(str(fault) for fault in faults))


def of_kind(api_version: str, kind: str, **fields: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, **fields}


@pytest.mark.parametrize(
    "manifest",
    [
        config_map(k="v"),
        pod(container(ports=[{"containerPort": 80, "name": "http"}])),
        pod(container(volumeMounts=[{"name": "v", "mountPath": "/v"}]), volumes=[{"name": "v"}]),
        pod(container(livenessProbe={"httpGet": {"port": "http"}})),
        pod(container(env=[{"name": "A.b-c", "value": "x"}])),
        deployment(replicas=0),
        service({"port": 80, "name": "a"}, {"port": 81, "name": "b"}),
        job(),
        cron_job("0 9-17/2 * jan-mar mon,fri", timeZone="Asia/Tokyo"),
        cron_job("@every 5m"),
    ],
)
def test_what_is_right_is_accepted(manifest: Manifest) -> None:
    assert faults_of(manifest) == []


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"ports": [{"containerPort": 0}]}, "ports[0].containerPort: Required value"),
        (
            {"ports": [{"containerPort": 70000}]},
            "ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            {"ports": [{"containerPort": 80, "protocol": "HTTP"}]},
            'ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
        ),
        ({"env": [{"value": "x"}]}, "env[0].name: Required value"),
        (
            {"env": [{"name": "A", "valueFrom": {}}]},
            'env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, '
            "`resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        ),
        (
            {"livenessProbe": {"httpGet": {"port": 80}, "tcpSocket": {"port": 80}}},
            "livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
        ),
        (
            {"readinessProbe": {"periodSeconds": 5}},
            "readinessProbe: Required value: must specify a handler type",
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": 80}, "successThreshold": 2}},
            "livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        (
            {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
            'resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/v"}]},
            'volumeMounts[0].name: Not found: "v"',
        ),
        (
            {"imagePullPolicy": "Sometimes"},
            'imagePullPolicy: Unsupported value: "Sometimes": supported values: '
            '"Always", "IfNotPresent", "Never"',
        ),
        ({"name": "A_b"}, f'name: Invalid value: "A_b": {LABEL}'),
        ({"image": ""}, "image: Required value"),
    ],
)
def test_a_wrong_container_is_refused(fields: Value, fault: str) -> None:
    assert faults_of(pod(container(**fields))) == [f"spec.containers[0].{fault}"]


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({"containers": []}, "containers: Required value"),
        (
            {"restartPolicy": "Maybe"},
            'restartPolicy: Unsupported value: "Maybe": supported values: '
            '"Always", "OnFailure", "Never"',
        ),
        (
            {"tolerations": [{"operator": "Equal", "value": "x"}]},
            'tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` '
            'is empty, which means "match all values and all keys"',
        ),
        (
            {"activeDeadlineSeconds": 0},
            "activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
        ),
        ({"hostname": "A.b"}, f'hostname: Invalid value: "A.b": {LABEL}'),
        (
            {"volumes": [{"name": "v", "emptyDir": {}, "configMap": {"name": "c"}}]},
            "volumes[0].configMap: Forbidden: may not specify more than 1 volume type",
        ),
        (
            {"containers": [container("c"), container("c")]},
            'containers[1].name: Duplicate value: "c"',
        ),
    ],
)
def test_a_wrong_pod_is_refused(spec: Value, fault: str) -> None:
    assert faults_of(pod(**spec)) == [f"spec.{fault}"]


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({"replicas": -1}, "replicas: Invalid value: -1: must be greater than or equal to 0"),
        ({"selector": {}}, "selector: Invalid value: {}: empty selector is invalid for deployment"),
        (
            {"selector": {"matchLabels": {"app": "b"}}},
            'template.metadata.labels: Invalid value: {"app":"cart"}: `selector` does not match '
            "template `labels`",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
            "strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when "
            "`maxSurge` is 0",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "a%"}}},
            f'strategy.rollingUpdate.maxSurge: Invalid value: "a%": {PERCENT}',
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
            "strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is "
            "'Recreate'",
        ),
        (
            {"minReadySeconds": 600},
            "progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds",
        ),
    ],
)
def test_a_wrong_deployment_is_refused(spec: Value, fault: str) -> None:
    assert faults_of(deployment(**spec)) == [f"spec.{fault}"]


@pytest.mark.parametrize(
    ("schedule", "fault"),
    [
        ("every day", "expected exactly 5 fields, found 2: [every day]"),
        (
            "TZ=UTC 0 * * * *",
            "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
        ),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        (
            "x * * * *",
            'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax',
        ),
        ("@often", "unrecognized descriptor: @often"),
    ],
)
def test_a_wrong_schedule_is_refused(schedule: str, fault: str) -> None:
    expected = f'spec.schedule: Invalid value: "{schedule}": {fault}'
    assert faults_of(cron_job(schedule)) == [expected]


def test_a_time_zone_must_exist() -> None:
    assert faults_of(cron_job(timeZone="Mars/Base")) == [
        'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base'
    ]


@pytest.mark.parametrize(
    ("manifest", "fault"),
    [
        (
            service({"port": 80}, {"port": 81}),
            ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
        ),
        (
            service({"port": 80}, externalTrafficPolicy="Local"),
            [
                'spec.externalTrafficPolicy: Invalid value: "Local": '
                "may only be set for externally-accessible services"
            ],
        ),
        (service({"port": 80}, type="ExternalName"), ["spec.externalName: Required value"]),
        (
            of_kind("networking.k8s.io/v1", "Ingress", spec={}),
            ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
        ),
        (
            of_kind("networking.k8s.io/v1", "NetworkPolicy", spec={"ingress": [{"from": [{}]}]}),
            ["spec.ingress[0].from[0]: Required value: must specify a peer"],
        ),
        (
            of_kind("policy/v1", "PodDisruptionBudget", spec={"minAvailable": "120%"}),
            ['spec.minAvailable: Invalid value: "120%": must not be greater than 100%'],
        ),
        (
            of_kind("rbac.authorization.k8s.io/v1", "Role", rules=[{"resources": ["pods"]}]),
            [
                "rules[0].verbs: Required value: verbs must contain at least one value",
                "rules[0].apiGroups: Required value: resource rules must supply at least one "
                "api group",
            ],
        ),
        (
            config_map(**{"..": "x"}),
            ["data[..]: Invalid value: \"..\": must not be '..'"],
        ),
        (
            of_kind("v1", "Secret", type="kubernetes.io/tls", data={"tls.crt": "eA=="}),
            ["data[tls.key]: Required value"],
        ),
    ],
)
def test_other_kinds_have_their_rules(manifest: Manifest, fault: list[str]) -> None:
    assert faults_of(manifest) == fault


def test_names_and_labels_come_first() -> None:
    manifest = config_map("UPPER")
    manifest["metadata"]["labels"] = {"a b": "x", "ok": "-"}
    fields = [fault.partition(":")[0] for fault in faults_of(manifest)]
    assert fields == ["metadata.name", "metadata.labels", "metadata.labels"]


def test_all_faults_come_at_once_and_each_is_told_once() -> None:
    faults = [
        Fault("FieldValueRequired", "spec.a", "Required value"),
        Fault("FieldValueRequired", "spec.a", "Required value"),
        Fault("FieldValueInvalid", "spec.b", "Invalid value: 1: no"),
    ]
    assert invalid_message(DEPLOYMENT, "d", faults) == (
        'Deployment.apps "d" is invalid: [spec.a: Required value, spec.b: Invalid value: 1: no]'
    )
    assert len(status_causes(faults)) == 3


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            deployment(),
            deployment(selector={"matchExpressions": [{"key": "app", "operator": "Exists"}]}),
            ['spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":'
             '"Exists"}]}: field is immutable'],
        ),
        (job(), job(completions=9), ["spec.completions: Invalid value: 9: field is immutable"]),
        (
            {**config_map(k="v"), "immutable": True},
            {**config_map(k="w"), "immutable": True},
            ["data: Forbidden: field is immutable when `immutable` is set"],
        ),
        (
            of_kind("v1", "Secret", type="a/b"),
            of_kind("v1", "Secret", type="c/d"),
            ['type: Invalid value: "c/d": field is immutable'],
        ),
        (pod(), pod(container(image="other:2")), []),
    ],
)  # fmt: skip
def test_some_fields_stay(old: Manifest, new: Manifest, fault: list[str]) -> None:
    assert faults_of_change(old, new) == fault


def test_a_pod_may_not_get_another_command() -> None:
    faults = faults_of_change(pod(), pod(container(command=["x"])))
    assert len(faults) == 1
    assert faults[0].startswith("spec: Forbidden: pod updates may not change fields other than")


def test_a_pod_gets_ephemeral_containers_only_through_their_own_end_point() -> None:
    faults = faults_of_change(pod(), pod(ephemeralContainers=[container("debug")]))
    assert [fault.partition(":")[0] for fault in faults] == ["spec"]


def test_an_object_that_goes_gets_no_new_finalizers() -> None:
    old, new = config_map(), config_map()
    old["metadata"] |= {"deletionTimestamp": "2026-11-21T12:00:00Z", "finalizers": ["x/a"]}
    new["metadata"] = {**old["metadata"], "finalizers": ["x/a", "x/b"]}
    assert faults_of_change(old, new) == [
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being "
        'deleted, found new finalizers []string{"x/b"}'
    ]


def test_a_change_of_metadata_does_not_question_what_was_accepted() -> None:
    old = service({"port": 80}, {"port": 81})
    new = {**old, "metadata": {**old["metadata"], "labels": {"a": "b"}}}
    assert faults_of_change(old, new) == []
