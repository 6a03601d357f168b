"""Rules over manifests: each finds what it is for, and nothing where there is nothing."""

from copy import deepcopy
from typing import Any

import pytest

from kiban.audit import check
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
SPREAD = f"{POD}.topologySpreadConstraints"
SECURITY = f"{APP}.securityContext"
REFERENCE = {"name": "a", "key": "k"}


@pytest.mark.parametrize(
    "variable",
    [
        {"name": "DB_PASSWORD", "value": SECRET},
        {"name": "DB", "value": f"postgres://app:{SECRET}@db/app"},
    ],
)
def test_a_finding_never_repeats_a_secret(variable: dict[str, str]) -> None:
    found = check(broken("Deployment/web", f"{APP}.env", [variable]))
    assert {one.rule for one in found} == {"sensitive-env"}
    assert SECRET not in repr(found)


def test_a_finished_job_should_go_unless_a_schedule_made_it() -> None:
    manifests = compiled()
    [cron] = [one for one in manifests if one["kind"] == "CronJob"]
    spec = deepcopy(cron["spec"]["jobTemplate"]["spec"])
    del spec["ttlSecondsAfterFinished"]
    job = {"apiVersion": "batch/v1", "kind": "Job", "spec": spec}
    job["metadata"] = {"name": "once", "namespace": cron["metadata"]["namespace"]}
    assert rules_of([*manifests, job]) == {"job-ttl"}
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
        (f"{APP}.env", [{"name": "API_KEY", "valueFrom": {"secretKeyRef": REFERENCE}}]),
        (f"{APP}.env", [{"name": "DB_URL", "value": "postgres://app:$(PASSWORD)@db/app"}]),
    ],
)  # fmt: skip
def test_what_is_right_is_left_alone(path: str, value: Any) -> None:
    assert rules_of(broken("Deployment/web", path, value)) == set()


def test_whoever_uses_anti_affinity_needs_no_constraints() -> None:
    manifests = broken("Deployment/web", SPREAD, None)
    web = find(manifests, "Deployment/web")["spec"]["selector"]
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": web}
    rule = {"podAffinityTerm": term, "weight": 1}
    affinity = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [rule]}}
    find(manifests, "Deployment/web")["spec"]["template"]["spec"]["affinity"] = affinity
    assert rules_of(manifests) == set()


def test_the_worst_comes_first() -> None:
    manifests = broken("Deployment/web", f"{APP}.readinessProbe", None)
    api = find(manifests, "Deployment/api")
    api["spec"]["replicas"] = 1
    assert [one.rule for one in check(manifests)] == ["readiness-missing", "replicas-min"]


def test_a_finding_leads_to_the_file_in_which_it_can_be_solved() -> None:
    platform = load_platform(MINIMAL)
    [finding] = check(broken("Deployment/web", f"{APP}.readinessProbe", None))
    place = finding.as_problem(platform).place
    assert (place.file, place.line) == ("services/web.yaml", 1)
    assert place.thing.startswith("Deployment.apps/shop-prod/web spec.template.spec.containers")
    assert finding.as_problem().place.file == ""
