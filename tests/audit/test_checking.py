"""Rules over manifests: each finds what it is for, and nothing where there is nothing."""

from copy import deepcopy
from typing import Any

import pytest

from kiban.audit import RULES, check
from kiban.compiler import compile_environment
from kiban.kube.objects import Manifest
from kiban.spec import load_platform, scaffold

SECRET = "hunter2-very-secret"
MINIMAL = {
    "platform.yaml": "platform: shop\nenvironments: {prod: {domain: shop.example.com}}\n",
    "services/web.yaml": (
        "image: registry.example/web\nport: 8080\nroutes: {public: /}\n"
        "scale: {min: 3, max: 9}\nhealth: {path: /healthz, liveness: /alive}\n"
    ),
    "services/mill.yaml": "image: registry.example/mill\n",
    "services/night.yaml": "image: registry.example/night\nschedule: 0 3 * * *\n",
    "services/api.yaml": "image: registry.example/api\nport: 8080\nuses: {db: {type: postgres}}\n",
    "releases/prod.yaml": "web: v1\nmill: v1\nnight: v1\napi: v1\n",
}


def compiled(*, local: bool = False) -> list[Manifest]:
    bundle = compile_environment(load_platform(MINIMAL), "prod", local=local)
    return deepcopy(list(bundle.manifests))


def find(manifests: list[Manifest], identity: str) -> Manifest:
    [found] = [one for one in manifests if f"{one['kind']}/{one['metadata']['name']}" == identity]
    return found


def broken(identity: str, path: str, value: Any) -> list[Manifest]:
    """The compiled manifests with one value changed; None removes it."""
    manifests = compiled()
    found = find(manifests, identity)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = found
    for part in parents:
        place = place[part] if isinstance(part, int) else place.setdefault(part, {})
    if value is None:
        place.pop(last)
    else:
        place[last] = value
    return manifests


def rules_of(manifests: list[Manifest]) -> set[str]:
    return {finding.rule for finding in check(manifests)}


@pytest.mark.parametrize("local", [False, True])
def test_what_the_compiler_writes_has_no_finding(*, local: bool) -> None:
    assert check(compiled(local=local)) == ()


@pytest.mark.parametrize("environment", ["dev", "stg", "prod"])
def test_a_new_repo_has_no_finding(environment: str) -> None:
    bundle = compile_environment(load_platform(scaffold("demo")), environment)
    assert check(bundle.manifests) == ()


POD = "spec.template.spec"
APP = f"{POD}.containers.0"
BACKEND = "spec.rules.0.http.paths.0.backend.service"
SPREAD = f"{POD}.topologySpreadConstraints"
JOB = "spec.jobTemplate.spec.template.spec"
PROBE = {"path": "/healthz", "port": 8080}
SECURITY = f"{APP}.securityContext"
ENV = [{"name": "DB_PASSWORD", "value": SECRET}]
HOST_PATH = [{"name": "x", "hostPath": {"path": "/"}}]
WRONG = [
    ("readiness-missing", "Deployment/web", f"{APP}.readinessProbe", None),
    ("liveness-equals-readiness", "Deployment/web", f"{APP}.livenessProbe.httpGet", PROBE),
    ("startup-missing", "Deployment/web", f"{APP}.startupProbe", None),
    ("probe-port-undeclared", "Deployment/web", f"{APP}.readinessProbe.httpGet.port", "admin"),
    ("cpu-request", "Deployment/web", f"{APP}.resources.requests.cpu", None),
    ("memory-request", "Deployment/web", f"{APP}.resources", {"requests": {"cpu": "1"}}),
    ("memory-limit", "Deployment/web", f"{APP}.resources.limits", None),
    ("limit-below-request", "Deployment/web", f"{APP}.resources.limits.memory", "1Mi"),
    ("run-as-non-root", "Deployment/web", f"{POD}.securityContext.runAsNonRoot", None),
    ("run-as-non-root", "Deployment/web", f"{SECURITY}.runAsUser", 0),
    ("run-as-non-root", "CronJob/night", f"{JOB}.securityContext", None),
    ("privileged", "Deployment/web", f"{SECURITY}.privileged", True),
    ("privilege-escalation", "Deployment/web", f"{SECURITY}.allowPrivilegeEscalation", None),
    ("drop-all-capabilities", "Deployment/web", f"{SECURITY}.capabilities", None),
    ("added-capabilities", "Deployment/web", f"{SECURITY}.capabilities.add", ["SYS_ADMIN"]),
    ("read-only-root", "Deployment/web", f"{SECURITY}.readOnlyRootFilesystem", None),
    ("seccomp", "Deployment/web", f"{POD}.securityContext.seccompProfile", None),
    ("host-access", "Deployment/web", f"{POD}.hostNetwork", True),
    ("host-access", "Deployment/web", f"{POD}.volumes", HOST_PATH),
    ("tag-latest", "Deployment/web", f"{APP}.image", "registry:5000/web"),
    ("tag-latest", "Deployment/web", f"{APP}.image", "web:latest"),
    ("prestop-missing", "Deployment/web", f"{APP}.lifecycle", None),
    ("grace-covers-prestop", "Deployment/web", f"{POD}.terminationGracePeriodSeconds", 15),
    ("deregistration-beyond-grace", "Deployment/web", f"{POD}.terminationGracePeriodSeconds", 14),
    ("single-replica", "Deployment/api", "spec.replicas", 1),
    ("pdb-missing", "PodDisruptionBudget/web", "metadata.namespace", "elsewhere"),
    ("pdb-dangling", "PodDisruptionBudget/web", "spec.selector.matchLabels", {"a": "b"}),
    ("pdb-blocks-drain", "PodDisruptionBudget/web", "spec.maxUnavailable", 0),
    ("pdb-blocks-drain", "PodDisruptionBudget/web", "spec", {
        "minAvailable": "100%", "selector": {"matchLabels": {"app.kubernetes.io/name": "web"}}}),
    ("pdb-overlap", "PodDisruptionBudget/web", "spec.selector", {}),
    ("spread-missing", "Deployment/web", f"{SPREAD}", None),
    ("spread-selector", "Deployment/web", f"{SPREAD}.0.labelSelector", None),
    ("spread-during-rollout", "Deployment/web", f"{SPREAD}.0", {
        "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "web"}}}),
    ("hpa-with-fixed-replicas", "Deployment/web", "spec.replicas", 3),
    ("hpa-target-missing", "HorizontalPodAutoscaler/web", "spec.scaleTargetRef.name", "wbe"),
    ("hpa-range", "HorizontalPodAutoscaler/web", "spec.maxReplicas", 1),
    ("hpa-needs-requests", "Deployment/web", f"{APP}.resources.requests.cpu", None),
    ("service-dangling", "Service/web", "spec.selector", {"app": "wbe"}),
    ("service-port-unknown", "Service/web", "spec.ports.0.targetPort", "htpt"),
    ("node-port", "Service/web", "spec.type", "NodePort"),
    ("ingress-dangling", "Ingress/web", f"{BACKEND}.name", "wbe"),
    ("ingress-dangling", "Ingress/web", f"{BACKEND}.port.number", 1),
    ("secret-in-clear", "Deployment/web", f"{APP}.env", ENV),
    ("secret-in-clear", "Deployment/web", f"{APP}.env", [
        {"name": "DB", "value": f"postgres://app:{SECRET}@db/app"}]),
    ("duplicate-variable", "Deployment/web", f"{APP}.env", [{"name": "A"}, {"name": "A"}]),
    ("sts-global", "Deployment/web", f"{APP}.env.0.value", "legacy"),
    ("api-token", "Deployment/web", f"{POD}.serviceAccountName", "other"),
    ("cronjob-schedule", "CronJob/night", "spec.schedule", "0 25 * * *"),
    ("cronjob-starting-deadline", "CronJob/night", "spec.startingDeadlineSeconds", None),
    ("job-deadline", "CronJob/night", "spec.jobTemplate.spec.activeDeadlineSeconds", None),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "broken_object", "path", "value"), WRONG)
def test_each_rule_finds_what_it_is_for(
    rule: str, broken_object: str, path: str, value: Any
) -> None:
    manifests = broken(broken_object, path, value)
    if rule == "api-token":
        [web] = [
            m for m in manifests if (m["kind"], m["metadata"]["name"]) == ("Deployment", "web")
        ]
        del web["spec"]["template"]["spec"]["automountServiceAccountToken"]
    found = check(manifests)
    assert rule in {one.rule for one in found}
    assert SECRET not in repr(found)


def test_every_rule_is_tested() -> None:
    elsewhere = {"ingress-taken", "job-kept"}
    assert {rule.name for rule in RULES} == {one[0] for one in WRONG} | elsewhere


def test_two_ingresses_cannot_have_one_path() -> None:
    manifests = compiled()
    [ingress] = [one for one in manifests if one["kind"] == "Ingress"]
    other = deepcopy(ingress)
    other["metadata"]["name"] = "other"
    assert rules_of([*manifests, other]) == {"ingress-taken"}


def test_a_finished_job_should_go() -> None:
    manifests = compiled()
    [cron] = [one for one in manifests if one["kind"] == "CronJob"]
    spec = deepcopy(cron["spec"]["jobTemplate"]["spec"])
    del spec["ttlSecondsAfterFinished"]
    job = {"apiVersion": "batch/v1", "kind": "Job", "spec": spec}
    job["metadata"] = {"name": "once", "namespace": cron["metadata"]["namespace"]}
    assert rules_of([*manifests, job]) == {"job-kept"}
    job["metadata"]["ownerReferences"] = [{"kind": "CronJob", "name": "night"}]
    assert rules_of([*manifests, job]) == set()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        # A container's setting wins over its pod's, in both directions.
        (f"{SECURITY}.runAsNonRoot", True),
        # UIDs need not be high, and a numeric user other than 0 is not root.
        (f"{SECURITY}.runAsUser", 1),
        # Capabilities that the restricted standard allows.
        (f"{SECURITY}.capabilities.add", ["NET_BIND_SERVICE"]),
        # No liveness probe, and no CPU limit, are good choices.
        (f"{APP}.livenessProbe", None),
        # A digest needs no tag.
        (f"{APP}.image", "web@sha256:00"),
        # Names that speak of secrets without being one.
        (f"{APP}.env", [{"name": "TOKEN_TTL", "value": "60"}]),
        (f"{APP}.env", [{"name": "PASSWORD_FILE", "value": "/x"}]),
        (f"{APP}.env", [{"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "a"}}}]),
        (f"{APP}.env", [{"name": "DB_URL", "value": "postgres://app:$(PASSWORD)@db/app"}]),
    ],
)  # fmt: skip
def test_what_is_right_is_left_alone(path: str, value: Any) -> None:
    assert rules_of(broken("Deployment/web", path, value)) == set()


def test_whoever_uses_anti_affinity_needs_no_constraints() -> None:
    manifests = broken("Deployment/web", SPREAD, None)
    rule = {"podAffinityTerm": {"topologyKey": "kubernetes.io/hostname"}, "weight": 1}
    affinity = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [rule]}}
    find(manifests, "Deployment/web")["spec"]["template"]["spec"]["affinity"] = affinity
    assert rules_of(manifests) == set()


def test_the_worst_comes_first() -> None:
    manifests = broken("Deployment/web", f"{APP}.readinessProbe", None)
    api = find(manifests, "Deployment/api")
    api["spec"]["replicas"] = 1
    assert [one.rule for one in check(manifests)] == ["readiness-missing", "single-replica"]


def test_a_finding_leads_to_the_file_in_which_it_can_be_solved() -> None:
    platform = load_platform(MINIMAL)
    [finding] = check(broken("Deployment/web", f"{APP}.readinessProbe", None))
    place = finding.as_problem(platform).place
    assert (place.file, place.line) == ("services/web.yaml", 1)
    assert place.thing.startswith("Deployment.apps/shop-prod/web spec.template.spec.containers")
    assert finding.as_problem().place.file == ""
