"""Spec to manifests."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from kiban.compiler import Bundle, compile_environment, compile_platform, render
from kiban.kube.objects import Manifest, get_in
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform, scaffold

GOLDEN = Path(__file__).parent / "golden"
LABELS = (
    "app.kubernetes.io/name",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "kiban.dev/platform",
    "kiban.dev/environment",
)


def compiled(
    files: dict[str, str], environment: str = "prod", *, local: bool = False, **services: str
) -> Bundle:
    changed = {f"services/{name}.yaml": text for name, text in services.items()}
    released = {f"releases/{environment}.yaml": "".join(f"{name}: v1\n" for name in services)}
    return compile_environment(
        load_platform(files | changed | (released if services else {})), environment, local=local
    )


def find(bundle: Bundle, kind: str, name: str) -> Manifest:
    [found] = [one for one in bundle.manifests if _is(one, kind, name)]
    return found


def has(bundle: Bundle, kind: str, name: str) -> bool:
    return any(_is(one, kind, name) for one in bundle.manifests)


def _is(manifest: Manifest, kind: str, name: str) -> bool:
    return bool(manifest["kind"] == kind and manifest["metadata"]["name"] == name)


def pod_of(bundle: Bundle, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = find(bundle, "Deployment", name)["spec"]["template"]["spec"]
    return spec


def variables_of(bundle: Bundle, name: str) -> dict[str, Any]:
    entries = pod_of(bundle, name)["containers"][0]["env"]
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in entries}


@pytest.mark.parametrize(("environment", "local"), [("prod", False), ("dev", True)])
def test_an_example_compiles_to_what_was_reviewed(
    files: dict[str, str], environment: str, *, local: bool
) -> None:
    texts = render(compiled(files, environment, local=local))
    folder = GOLDEN / ("local" if local else "cloud")
    if os.environ.get("KIBAN_UPDATE_GOLDEN"):
        for path, text in texts.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    reviewed = {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.yaml")
    }
    assert texts == reviewed, "run with KIBAN_UPDATE_GOLDEN=1 and review the difference"


def test_the_same_files_give_the_same_bytes_under_any_hash_seed() -> None:
    program = """
from pathlib import Path
from kiban.compiler import compile_platform, render
from kiban.primitives.canonical import digest
from kiban.spec import load_platform, read_directory
bundles = compile_platform(load_platform(read_directory(Path("repo"))), local=True)
print(digest([[render(one), one.addresses, [str(s) for s in one.secrets]] for one in bundles]))
"""
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=GOLDEN,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


@pytest.mark.parametrize(("environment", "local"), [("prod", False), ("dev", True)])
def test_kubernetes_accepts_every_object(
    files: dict[str, str], environment: str, *, local: bool
) -> None:
    for manifest in compiled(files, environment, local=local).manifests:
        kubernetes_validate.validate(manifest, "1.36", strict=True)


def test_every_object_says_what_it_belongs_to(files: dict[str, str]) -> None:
    for manifest in compiled(files, "dev", local=True).manifests:
        labels = manifest["metadata"]["labels"]
        assert set(LABELS) <= set(labels), manifest["metadata"]["name"]
        namespace = manifest["metadata"].get("namespace")
        assert namespace == (None if manifest["kind"] == "Namespace" else "shop-dev")


def test_one_drain_sets_hook_grace_and_deregistration(files: dict[str, str]) -> None:
    bundle = compiled(files)
    pod = pod_of(bundle, "stamp")
    annotations = find(bundle, "Ingress", "stamp")["metadata"]["annotations"]
    assert pod["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 15}}}
    assert pod["terminationGracePeriodSeconds"] == 35
    assert (
        annotations["alb.ingress.kubernetes.io/target-group-attributes"]
        == "deregistration_delay.timeout_seconds=15"
    )


def test_an_autoscaler_owns_the_number_of_instances(files: dict[str, str]) -> None:
    bundle = compiled(files)
    assert "replicas" not in find(bundle, "Deployment", "stamp")["spec"]
    spec = find(bundle, "HorizontalPodAutoscaler", "stamp")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (4, 40)
    assert [one["type"] for one in spec["metrics"]] == ["Resource", "Pods", "External"]
    assert find(bundle, "Deployment", "points")["spec"]["replicas"] == 2
    assert not has(bundle, "HorizontalPodAutoscaler", "points")


@pytest.mark.parametrize(
    ("scale", "budget"), [("scale: 1\n", None), ("scale: 2\n", 1), ("scale: 12\n", 3)]
)
def test_a_budget_never_blocks_a_drain(
    files: dict[str, str], scale: str, budget: int | None
) -> None:
    bundle = compiled(files, points="image: p\nport: 1\n" + scale)
    if budget is None:
        assert not has(bundle, "PodDisruptionBudget", "points")
    else:
        spec = find(bundle, "PodDisruptionBudget", "points")["spec"]
        assert spec["maxUnavailable"] == budget
        assert budget < find(bundle, "Deployment", "points")["spec"]["replicas"]


def test_the_budget_of_an_autoscaled_service_grows_with_it(files: dict[str, str]) -> None:
    bundle = compiled(files, points="image: p\nport: 1\nscale: {min: 2, max: 40}\n")
    assert find(bundle, "PodDisruptionBudget", "points")["spec"]["maxUnavailable"] == "25%"


def test_zones_decide_spread_and_minimum(files: dict[str, str]) -> None:
    text = "image: p\nport: 1\navailability: {zones: 3, strict: true}\n"
    bundle = compiled(files, points=text)
    zone, host = pod_of(bundle, "points")["topologySpreadConstraints"]
    assert (zone["topologyKey"], zone["whenUnsatisfiable"]) == (
        "topology.kubernetes.io/zone",
        "DoNotSchedule",
    )
    assert host["whenUnsatisfiable"] == "ScheduleAnyway"
    assert zone["matchLabelKeys"] == ["pod-template-hash"]
    assert find(bundle, "Deployment", "points")["spec"]["replicas"] == 3


def test_what_a_service_uses_is_told_by_full_name_and_port(files: dict[str, str]) -> None:
    told = variables_of(compiled(files), "stamp")
    assert told["POINTS_URL"] == "http://points.shop-prod.svc.cluster.local:9000"
    assert (told["POINTS_HOST"], told["POINTS_PORT"]) == (
        "points.shop-prod.svc.cluster.local",
        "9000",
    )
    assert told["MAIN_URL"] == {"secretKeyRef": {"name": "main", "key": "url"}}
    assert told["OWN_PASSWORD"] == {"secretKeyRef": {"name": "stamp-own", "key": "password"}}
    assert told["MAIL_URL"] == {"secretKeyRef": {"name": "mail", "key": "url"}}
    assert told["API_KEY"] == {"secretKeyRef": {"name": "stamp", "key": "api-key"}}
    assert told["PORT"] == "8080"


def test_what_a_service_says_wins_over_what_it_is_told(files: dict[str, str]) -> None:
    bundle = compiled(files, points="image: p\nport: 1\nenv: {PORT: 2, KIBAN_SERVICE: x}\n")
    told = variables_of(bundle, "points")
    assert (told["PORT"], told["KIBAN_SERVICE"]) == ("2", "x")


def test_secrets_are_needs_and_never_values(files: dict[str, str]) -> None:
    needs = {need.name: need for need in compiled(files, "dev", local=True).secrets}
    assert sorted(needs) == ["cache", "mail", "main", "stamp", "stamp-own"]
    assert needs["main"].generate == ("password",)
    assert (
        needs["main"].template["url"]
        == "postgresql://app:{password}@main.shop-dev.svc.cluster.local:5432/app"
    )
    assert needs["stamp"].generate == ("api-key",)
    on_cloud = {need.name: need for need in compiled(files).secrets}
    assert on_cloud["main"].generate == ()
    assert on_cloud["main"].template == {}


def test_the_graph_is_what_waves_wait_for(files: dict[str, str]) -> None:
    local = compiled(files, "dev", local=True).needs
    assert local == {
        "cache": frozenset(),
        "hand": frozenset(),
        "mail": frozenset(),
        "main": frozenset(),
        "points": {"main"},
        "ranking": {"points"},
        "stamp": {"points", "main", "stamp-own", "mail"},
        "stamp-own": frozenset(),
    }
    assert compiled(files).needs["stamp"] == {"points"}


def test_only_those_who_declared_it_may_call(files: dict[str, str]) -> None:
    bundle = compiled(files)
    [rule] = find(bundle, "NetworkPolicy", "points")["spec"]["ingress"]
    expression = rule["from"][0]["podSelector"]["matchExpressions"][0]
    assert expression["values"] == ["ranking", "stamp"]
    [routed] = find(bundle, "NetworkPolicy", "stamp")["spec"]["ingress"]
    assert [port["port"] for port in routed["ports"]] == [8080, 9090]
    assert find(bundle, "NetworkPolicy", "default-deny")["spec"]["podSelector"] == {}


def test_a_service_without_a_release_is_left_out(files: dict[str, str]) -> None:
    files["releases/prod.yaml"] = "points: v2\n"
    bundle = compiled(files)
    assert set(bundle.needs) == {"points"}
    assert pod_of(bundle, "points")["containers"][0]["image"] == "registry.example/points:v2"


def test_an_image_that_names_its_version_needs_no_release(files: dict[str, str]) -> None:
    files["services/proxy.yaml"] = "image: registry:5000/proxy:1.2\nport: 80\n"
    bundle = compiled(files)
    assert pod_of(bundle, "proxy")["containers"][0]["image"] == "registry:5000/proxy:1.2"


def test_a_job_by_hand_is_a_suspended_template(files: dict[str, str]) -> None:
    bundle = compiled(files)
    assert find(bundle, "CronJob", "hand")["spec"]["suspend"] is True
    spec = find(bundle, "CronJob", "ranking")["spec"]
    assert (spec["suspend"], spec["schedule"], spec["timeZone"]) == (
        False,
        "0 3 * * *",
        "Asia/Tokyo",
    )
    run = spec["jobTemplate"]["spec"]
    assert (run["activeDeadlineSeconds"], run["backoffLimit"]) == (600, 2)
    assert get_in(run, "template", "spec", "restartPolicy") == "Never"


def test_on_a_laptop_resources_run_and_hosts_resolve(files: dict[str, str]) -> None:
    bundle = compiled(files, "dev", local=True)
    assert bundle.addresses == {
        "stamp": ("api.example.com.localhost/stamp", "shop.localhost/metrics")
    }
    [container] = pod_of(bundle, "main")["containers"]
    assert container["image"] == "kiban.local/postgres"
    assert container["args"] == ["--data", "/var/lib/postgresql/data", "--port", "5432"]
    assert find(bundle, "Deployment", "main")["spec"]["strategy"] == {"type": "Recreate"}
    assert find(bundle, "Ingress", "stamp")["spec"]["ingressClassName"] == "kiban"
    assert not has(compiled(files), "Deployment", "main")


def test_a_resource_without_a_stand_in_is_a_problem_on_a_laptop_only(
    files: dict[str, str],
) -> None:
    text = "image: p\nport: 1\nuses: {db: {type: mongo}}\n"
    assert compiled(files, points=text).secrets[0].name == "points-db"
    with pytest.raises(KibanError, match="cannot run the mongo 'points-db'"):
        compiled(files, local=True, points=text)


def test_changed_files_make_new_pods(files: dict[str, str]) -> None:
    def template(content: str) -> dict[str, Any]:
        bundle = compiled(files, points=f"image: p\nport: 1\nfiles: {{/a/b: {content}}}\n")
        found: dict[str, Any] = find(bundle, "Deployment", "points")["spec"]["template"]
        return found

    assert template("one")["metadata"] != template("two")["metadata"]
    assert template("one")["spec"] == template("two")["spec"]


def test_a_secret_of_a_resource_may_hold_more(files: dict[str, str]) -> None:
    text = "image: p\nport: 1\nuses: {main: resource}\nsecrets: {A: main/extra, B: main/url}\n"
    [need] = compiled(files, local=True, points=text).secrets
    assert need.generate == ("password", "extra")


def test_a_resource_and_a_service_cannot_share_a_name(files: dict[str, str]) -> None:
    text = "image: p\nport: 1\nuses: {db: {type: postgres}}\n"
    files["services/points-db.yaml"] = "image: p:1\nport: 2\n"
    with pytest.raises(KibanError, match="'points-db' of 'points' has the name of a service"):
        compiled(files, points=text)


@pytest.mark.parametrize(
    ("spot", "keys", "preferred"),
    [("0%", 2, "ON_DEMAND"), ("50%", 3, None), ("100%", 2, "SPOT")],
)
def test_spot_is_preferred_or_shared(
    files: dict[str, str], spot: str, keys: int, preferred: str | None
) -> None:
    pod = pod_of(compiled(files, points=f"image: p\nport: 1\nspot: {spot}\n"), "points")
    assert len(pod["topologySpreadConstraints"]) == keys
    affinity = "preferredDuringSchedulingIgnoredDuringExecution"
    terms = get_in(pod, "affinity", "nodeAffinity", affinity, default=[])
    values = [one["preference"]["matchExpressions"][0]["values"] for one in terms]
    assert values == ([[preferred]] if preferred else [])


def test_node_groups_know_their_capacity(files: dict[str, str]) -> None:
    base, spot = compiled(files).nodes
    assert (base["zones"], base["cpu"], base["memory"]) == (["a", "b", "c"], "2", "8Gi")
    assert (spot["zones"], spot["cpu"], spot["memory"]) == (["a", "b"], "8", "16Gi")
    assert (base["spot"], spot["spot"]) == (False, True)


def test_an_environment_on_several_clusters_is_compiled_for_each() -> None:
    files = scaffold("demo")
    files["platform.yaml"] = files["platform.yaml"].replace(
        "cluster: prod", "clusters: [prod, stg]"
    )
    platform = load_platform(files)
    found = [(one.environment, one.cluster) for one in compile_platform(platform)]
    assert found == [("dev", "dev"), ("stg", "stg"), ("prod", "prod"), ("prod", "stg")]
    with pytest.raises(KibanError, match="does not live on a cluster 'dev'"):
        compile_environment(platform, "prod", cluster="dev")
    with pytest.raises(KibanError, match="did you mean 'prod'"):
        compile_environment(platform, "prdo")


def test_a_hook_is_a_job_that_gets_none_of_its_services_traffic() -> None:
    files = {
        "platform.yaml": "platform: shop\nenvironments: {dev: {}}\n",
        "services/web.yaml": """\
image: web:1
port: 80
health: {path: /healthz}
env: {MODE: slow, COLOR: red}
hooks:
  migrate: {command: [./migrate], args: [up], env: {MODE: fast}, deadline: 5m}
  alarm: {when: failure, image: bell:1, command: [./ring], delete: never}
""",
    }
    bundle = compile_environment(load_platform(files), "dev")
    jobs = {one["metadata"]["name"]: one for one in bundle.manifests if one["kind"] == "Job"}
    assert list(jobs) == ["web-alarm", "web-migrate"]
    migrate = jobs["web-migrate"]
    assert migrate["metadata"]["annotations"] == {"kiban.dev/hook": "before"}
    assert (migrate["spec"]["backoffLimit"], migrate["spec"]["activeDeadlineSeconds"]) == (0, 300)
    pod = migrate["spec"]["template"]
    [service] = [one for one in bundle.manifests if one["kind"] == "Service"]
    assert not service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    [container] = pod["spec"]["containers"]
    assert container["image"] == "web:1"
    assert (container["command"], container["args"]) == (["./migrate"], ["up"])
    assert {"MODE": "fast", "COLOR": "red"}.items() <= {
        entry["name"]: entry.get("value") for entry in container["env"]
    }.items()
    assert not {"readinessProbe", "lifecycle", "ports"} & container.keys()
    assert jobs["web-alarm"]["metadata"]["annotations"]["kiban.dev/hook-delete"] == "never"
    assert jobs["web-alarm"]["spec"]["template"]["spec"]["containers"][0]["image"] == "bell:1"
