"""Adoption: nothing is lost, nothing restarts, and it gets short."""

from copy import deepcopy
from typing import Any

import pytest
import yaml
from generated_copies import copy_of, moved, platforms
from hypothesis import given, settings

from kiban.adopt import Adoption, Copy, Options, adopted, as_data, as_text
from kiban.adopt.report import plan_text
from kiban.compiler import compile_environment
from kiban.kube.objects import Manifest
from kiban.spec import load_platform

EVERY_SERVICE = Options("shop", worth=1000.0)


def deployment(name: str, image: str = "shop/stamp:v1", **container: Any) -> Manifest:
    labels = {"app": name}
    main = {"name": name, "image": image, **container}
    template = {"metadata": {"labels": dict(labels)}, "spec": {"containers": [main]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": name, "namespace": "shop-dev"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def copies(objects: list[Manifest], *environments: str) -> list[Copy]:
    return [copy_of(name, moved(objects, name)) for name in environments or ("dev",)]


def files(found: Adoption) -> str:
    return "\n".join(f"# {path}\n{text}" for path, text in found.files.items())


@settings(max_examples=25, deadline=None)
@given(platforms())
def test_whatever_it_is_comes_back_and_nothing_restarts(found: list[Copy]) -> None:
    adoption = adopted(found, EVERY_SERVICE)
    assert adoption.proof.deviations == (), files(adoption)
    assert adoption.proof.restarts == (), files(adoption)
    assert {one.object.kind for one in adoption.proof.added} <= {"Namespace"}


@settings(max_examples=10, deadline=None)
@given(platforms())
def test_a_repo_of_services_and_objects_means_the_same(found: list[Copy]) -> None:
    adoption = adopted(found, Options("shop"))
    assert adoption.proof.deviations == (), files(adoption)


def test_what_all_services_do_is_said_once() -> None:
    objects = [deployment(name) for name in ("stamp", "points", "user")]
    adoption = adopted(copies(objects, "dev", "prod"), EVERY_SERVICE)
    assert adoption.files["services/points.yaml"] == "image: shop/stamp\n"
    assert "Deployment/* topologySpreadConstraints" in adoption.files["platform.yaml"]


def test_the_version_goes_into_the_release_and_differences_into_overrides() -> None:
    dev, prod = deployment("stamp"), deployment("stamp", "shop/stamp:v2")
    prod["spec"]["replicas"] = 5
    found = [copy_of("dev", [dev]), copy_of("prod", moved([prod], "prod"))]
    adoption = adopted(found, EVERY_SERVICE)
    assert adoption.files["releases/dev.yaml"] == "stamp: v1\n"
    assert adoption.files["releases/prod.yaml"] == "stamp: v2\n"
    assert "environments: {prod: {scale: 5}}" in adoption.files["services/stamp.yaml"]


def test_the_version_of_an_init_container_follows_the_release() -> None:
    one = deployment("stamp")
    pod = one["spec"]["template"]["spec"]
    pod["initContainers"] = [{"name": "migrate", "image": "shop/stamp:v1", "command": ["migrate"]}]
    found = adopted(copies([one]), EVERY_SERVICE)
    released = {**found.files, "releases/dev.yaml": "stamp: v2\n"}
    bundle = compile_environment(load_platform(released), "dev")
    [made] = [each for each in bundle.manifests if each["kind"] == "Deployment"]
    [init] = made["spec"]["template"]["spec"]["initContainers"]
    assert init["image"] == "shop/stamp:v2"


def test_the_pods_keep_their_labels_and_the_deployment_its_name() -> None:
    one = deployment("stamp")
    one["metadata"]["name"] = "stamp-deployment"
    one["spec"]["template"]["metadata"]["labels"]["track"] = "stable"
    adoption = adopted(copies([one]), EVERY_SERVICE)
    [made] = [each for each in adoption.bundles["dev"].manifests if each["kind"] == "Deployment"]
    assert made["metadata"]["name"] == "stamp-deployment"
    assert made["spec"]["selector"]["matchLabels"] == {"app": "stamp"}
    assert made["spec"]["template"]["metadata"]["labels"] == {"app": "stamp", "track": "stable"}
    assert made["metadata"]["labels"]["kiban.dev/service"] == "stamp"
    assert "nothing restarts" in plan_text(adoption)


def test_a_namespace_gets_nothing_that_would_refuse_its_pods() -> None:
    adoption = adopted(copies([deployment("stamp")]), EVERY_SERVICE)
    by_kind = {one["kind"]: one for one in adoption.bundles["dev"].manifests}
    assert "NetworkPolicy" not in by_kind
    labels = by_kind["Namespace"]["metadata"]["labels"]
    assert not any(name.startswith("pod-security") for name in labels)


def test_the_namespaces_of_every_cluster_are_nobody_s() -> None:
    one = deployment("metrics")
    one["metadata"]["namespace"] = "kube-system"
    adoption = adopted([copy_of("main", [one])], EVERY_SERVICE)
    assert (adoption.proof.added, adoption.proof.deviations) == ((), ())


def test_where_objects_live_that_do_not_say_is_told() -> None:
    one = deployment("stamp")
    del one["metadata"]["namespace"]
    report = as_text(adopted([copy_of("dev", [one])], EVERY_SERVICE))
    assert "1 objects in dev name no namespace: they are taken to live in shop-dev" in report


def test_namespaces_that_are_there_stay_as_they_are() -> None:
    found = []
    for name in ("dev", "prod"):
        labels = {"env": name, "cost": "a" if name == "dev" else "b"}
        metadata = {"name": f"shop-{name}", "labels": labels}
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        found.append(copy_of(name, [space, *moved([deployment("stamp")], name)]))
    adoption = adopted(found, EVERY_SERVICE)
    assert adoption.proof.deviations == ()
    assert adoption.proof.added == ()


def test_objects_that_name_no_namespace_become_services() -> None:
    objects = [deployment(name) for name in ("stamp", "points")]
    for one in objects:
        del one["metadata"]["namespace"]
    adoption = adopted([copy_of("dev", objects)], EVERY_SERVICE)
    assert list(adoption.folded.services) == ["points", "stamp"]
    assert adoption.proof.deviations == ()


def test_the_name_of_the_only_environment_stays_what_it_is() -> None:
    objects = [deployment(f"argo-{name}") for name in ("server", "redis")]
    adoption = adopted([copy_of("argo", moved(objects, "argo"))], EVERY_SERVICE)
    assert list(adoption.folded.services) == ["argo-redis", "argo-server"]
    assert "{environment}" not in files(adoption)


def stateful(name: str, *disks: str) -> list[Manifest]:
    """A StatefulSet as people write it, with the Service that names its pods."""
    one = deployment(name, ports=[{"containerPort": 5432}])
    mounts = [{"name": disk, "mountPath": f"/{disk}"} for disk in disks]
    one["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = mounts
    one["spec"] |= {"serviceName": f"{name}-headless", "podManagementPolicy": "Parallel"}
    asked = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
    one["spec"]["volumeClaimTemplates"] = [
        {"metadata": {"name": disk}, "spec": dict(asked)} for disk in disks
    ]
    metadata = {"name": f"{name}-headless", "namespace": "shop-dev"}
    spec = {"clusterIP": "None", "selector": {"app": name}, "ports": [{"port": 5432}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    return [{**one, "kind": "StatefulSet"}, service]


@pytest.mark.parametrize("disks", [(), ("data",), ("data", "log")])
def test_instances_with_names_and_disks_become_a_service(disks: tuple[str, ...]) -> None:
    adoption = adopted(copies(stateful("db", *disks), "dev", "prod"), EVERY_SERVICE)
    assert (adoption.proof.deviations, adoption.proof.restarts) == ((), ())
    said = yaml.safe_load(adoption.files["services/db.yaml"])
    assert {name: one["size"] for name, one in said.get("volumes", {}).items()} == (
        dict.fromkeys(disks, "5Gi")
    )
    kinds = [one["kind"] for one in adoption.bundles["dev"].manifests]
    assert sorted(kinds) == ["Namespace", "Service", "StatefulSet"]


def test_what_names_the_pods_of_one_service_is_no_convention_of_others() -> None:
    objects = [*stateful("db", "data"), *stateful("log", "data"), deployment("stamp")]
    adoption = adopted(copies(objects), EVERY_SERVICE)
    assert list(adoption.folded.services) == ["db", "log", "stamp"]
    assert "Service/db-pods" in adoption.files["services/db.yaml"]


def test_a_pod_that_gets_labels_of_its_own_does_not_restart() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "shell"},
        "spec": {"containers": [{"name": "shell", "image": "busybox"}]},
    }
    assert adopted([copy_of("dev", [pod])], EVERY_SERVICE).proof.restarts == ()


def test_what_gets_another_name_each_time_must_be_accepted() -> None:
    job = deployment("migrate-")
    job["metadata"]["generateName"] = "migrate-"
    adoption = adopted([copy_of("dev", [job, deployment("stamp")])], EVERY_SERVICE)
    [one] = adoption.proof.standing(())
    assert one.name == "Deployment/migrate-@dev"
    assert "another name each time" in one.why
    assert not any("generateName" in text for text in adoption.files.values())


def secret(**content: Any) -> Manifest:
    metadata = {"name": "db", "namespace": "shop-dev"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **content}


def test_a_secret_in_clear_stays_out_of_the_repo_until_that_is_accepted() -> None:
    found = copies([deployment("stamp"), secret(stringData={"password": "hush"})])
    adoption = adopted(found, EVERY_SERVICE)
    assert "hush" not in files(adoption)
    [one] = adoption.proof.standing(())
    assert one.name == "Secret/db@dev"
    assert "hush" not in as_text(adoption) + str(as_data(adoption))
    for name in ("Secret/db@dev", "Secret/db", "all"):
        assert adoption.proof.standing((name,)) == ()
    assert "hush" in files(adopted(found, Options("shop", with_secrets=True)))


def test_environments_that_cannot_be_side_by_side_have_a_cluster_each() -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "reader"},
        "rules": [],
    }
    apart = [copy_of(name, moved([deployment("a")], name)) for name in ("dev", "prod")]
    assert adopted(apart, EVERY_SERVICE).bundles["prod"].cluster == "main"
    both = [copy_of(name, [role, *moved([deployment("a")], name)]) for name in ("dev", "prod")]
    assert adopted(both, EVERY_SERVICE).bundles["prod"].cluster == "prod"


def test_an_empty_secret_is_no_secret() -> None:
    assert adopted(copies([secret(type="Opaque")]), EVERY_SERVICE).proof.deviations == ()


def test_objects_of_any_kind_are_kept_as_they_are() -> None:
    custom = {
        "apiVersion": "x.io/v1",
        "kind": "Thing",
        "metadata": {"name": "Odd.Name"},
        "spec": {"list": [1, {"a": None}], "ratio": 0.5, "empty": {}},
    }
    clustered = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "r", "uid": "1", "creationTimestamp": None},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    }
    elsewhere = deployment("agent")
    elsewhere["metadata"]["namespace"] = "kube-system"
    objects = [custom, clustered, elsewhere, deployment("stamp"), deployment("points")]
    adoption = adopted([copy_of("main", objects)], EVERY_SERVICE)
    assert adoption.proof.deviations == ()
    made = {one["kind"]: one for one in adoption.bundles["main"].manifests}
    assert made["Thing"]["spec"] == {"list": [1, {"a": None}], "ratio": 0.5, "empty": {}}
    assert "namespace" not in made["ClusterRole"]["metadata"]


def test_a_port_without_a_number_is_kept_as_it_is() -> None:
    adoption = adopted(copies([deployment("stamp", ports=[{"name": "http"}])]), EVERY_SERVICE)
    assert adoption.proof.deviations == ()


def test_empty_lines_at_the_end_of_a_text_come_back() -> None:
    found = []
    for name, text in (("dev", "a\n"), ("prod", "a\n---\nb\n\n\n")):
        metadata = {"name": "texts", "namespace": f"shop-{name}"}
        data = {"text": text, "more": "x"}
        one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        found.append(copy_of(name, [one]))
    assert adopted(found, EVERY_SERVICE).proof.deviations == ()


def test_a_namespace_means_nothing_to_what_lives_in_none() -> None:
    found = []
    for name in ("dev", "prod"):
        metadata = {"name": "disk", **({"namespace": "oops"} if name == "prod" else {})}
        spec = {"capacity": {"storage": "1Gi" if name == "dev" else "2Gi"}}
        volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata}
        found.append(copy_of(name, [{**volume, "spec": spec}, *moved([deployment("a")], name)]))
    assert adopted(found, EVERY_SERVICE).proof.deviations == ()


def test_what_is_left_empty_says_nothing() -> None:
    one = deployment("stamp", env=None, ports=None, resources=None)
    one["metadata"]["annotations"] = None
    one["spec"]["template"]["spec"]["nodeSelector"] = None
    adoption = adopted(copies([one]), EVERY_SERVICE)
    assert adoption.proof.deviations == ()
    assert list(adoption.folded.services) == ["stamp"]


def test_what_kiban_made_itself_becomes_the_spec_that_it_was() -> None:
    spec = """image: shop/stamp
port: 8080
health: {path: /healthz, interval: 7s}
drain: 9s
scale: {min: 2, max: 6, cpu: 60%}
routes: {public: /stamp}
env: {LEVEL: debug}
secrets: {PASSWORD: db/password}
volumes: {work: /work}
"""
    platform = load_platform(
        {
            "platform.yaml": "platform: shop\nenvironments: {dev: {domain: dev.example.com}}\n",
            "services/stamp.yaml": spec,
            "releases/dev.yaml": "stamp: v1\n",
        }
    )
    objects = list(compile_environment(platform, "dev").manifests)
    adoption = adopted([copy_of("dev", objects)], EVERY_SERVICE)
    assert adoption.proof.deviations == ()
    made = yaml.safe_load(adoption.files["services/stamp.yaml"])
    made["routes"]["public"].pop("host")
    assert made["routes"] == {"public": {"path": "/stamp"}}
    for field, value in yaml.safe_load(spec).items():
        if field not in ("routes", "volumes"):
            assert value.items() <= made[field].items() if isinstance(value, dict) else True
    assert not any(name.startswith("Deployment/") for name in made.get("patches", {}))


def test_a_service_of_which_nothing_can_be_said_shorter_stays_as_objects() -> None:
    adoption = adopted(copies([deployment("stamp")]), Options("shop", worth=0.1))
    assert "services/stamp.yaml" not in adoption.files
    assert adoption.proof.deviations == ()


def test_what_was_changed_in_one_copy_is_told() -> None:
    objects = [
        deployment(name, env=[{"name": "ENV", "value": "dev"}])
        for name in ("a", "b", "c", "d", "e", "f")
    ]
    prod = deepcopy(objects)
    for one in prod:
        one["spec"]["replicas"] = 4
        one["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "prod"
    prod[2]["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    found = [copy_of("dev", objects), copy_of("prod", moved(prod, "prod"))]
    accidents = as_data(adopted(found, EVERY_SERVICE))["accidents"]
    assert accidents == [
        "Deployment/c containers.c.imagePullPolicy: IfNotPresent in dev, Always in prod"
    ]


@pytest.mark.parametrize("name", ["Stamp_API", "9lives", "x" * 60])
def test_a_name_that_no_service_may_have_stays_as_an_object(name: str) -> None:
    adoption = adopted(copies([deployment(name)]), EVERY_SERVICE)
    assert adoption.folded.services == {}
    assert adoption.proof.deviations == ()
