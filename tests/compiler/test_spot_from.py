"""The first instances on demand and the rest on spot: two workloads of one service."""

from typing import Any

import pytest

from kiban.audit import Severity, check
from kiban.compiler import compile_environment
from kiban.kube.objects import Manifest, get_in
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform

STAMP = "image: registry.example/stamp\nport: 8080\nhealth: /ready\n"


def compiled(said: str, *, platform: str = "", others: str = "") -> dict[str, Manifest]:
    files = {
        "platform.yaml": platform or "platform: shop\nenvironments: {prod: {}}\n",
        "services/stamp.yaml": STAMP + said,
        "releases/prod.yaml": "stamp: v1\n",
    }
    if others:
        files[f"services/{others}.yaml"] = STAMP
    bundle = compile_environment(load_platform(files), "prod")
    assert [one for one in check(bundle.manifests) if one.severity > Severity.ADVICE] == []
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in bundle.manifests}


def refused(said: str, **more: str) -> str:
    with pytest.raises(KibanError) as error:
        compiled(said, **more)
    [problem] = error.value.problems
    assert problem.place.line
    return str(problem)


def labels(manifest: Manifest) -> dict[str, str]:
    found: dict[str, str] = manifest["spec"]["template"]["metadata"]["labels"]
    return found


def chosen(selector: dict[str, str], pod: dict[str, str]) -> bool:
    return selector.items() <= pod.items()


def test_the_first_are_on_demand_and_an_autoscaler_owns_the_rest() -> None:
    found = compiled("scale: {min: 4, max: 40, spotFrom: 3, cpu: 60%}\n")
    first, rest = found["Deployment/stamp-on-demand"], found["Deployment/stamp-spot"]
    assert first["spec"]["replicas"] == 2
    assert "replicas" not in rest["spec"]
    scaler = found["HorizontalPodAutoscaler/stamp-spot"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 38)
    assert scaler["scaleTargetRef"]["name"] == "stamp-spot"
    assert "HorizontalPodAutoscaler/stamp" not in found


def test_one_service_and_one_budget_hold_for_both() -> None:
    found = compiled("scale: {min: 4, max: 40, spotFrom: 3}\n")
    pods = [labels(found[name]) for name in ("Deployment/stamp-on-demand", "Deployment/stamp-spot")]
    for selector in (
        found["Service/stamp"]["spec"]["selector"],
        found["PodDisruptionBudget/stamp"]["spec"]["selector"]["matchLabels"],
    ):
        assert all(chosen(selector, pod) for pod in pods)
    for index, name in enumerate(("Deployment/stamp-on-demand", "Deployment/stamp-spot")):
        own = found[name]["spec"]["selector"]["matchLabels"]
        assert [chosen(own, pod) for pod in pods] == [index == 0, index == 1]


def affinity(manifest: Manifest) -> Any:
    return get_in(manifest, "spec", "template", "spec", "affinity", "nodeAffinity")


def test_those_on_demand_run_on_no_spot_node_and_the_others_rather_do() -> None:
    found = compiled("scale: {min: 4, spotFrom: 3}\n")
    [needed] = affinity(found["Deployment/stamp-on-demand"]).values()
    terms = needed["nodeSelectorTerms"][0]["matchExpressions"]
    assert {(one["operator"], *one["values"]) for one in terms} == {
        ("NotIn", "SPOT"),
        ("NotIn", "spot"),
    }
    [[preferred]] = affinity(found["Deployment/stamp-spot"]).values()
    assert preferred["preference"]["matchExpressions"][0]["values"] == ["SPOT"]


def test_with_few_instances_all_are_on_demand() -> None:
    found = compiled("scale: {min: 1, max: 2, spotFrom: 3}\n")
    assert "Deployment/stamp-spot" not in found
    required = affinity(found["Deployment/stamp-on-demand"])
    assert "requiredDuringSchedulingIgnoredDuringExecution" in required
    assert found["HorizontalPodAutoscaler/stamp-on-demand"]["spec"]["maxReplicas"] == 2


def test_karpenter_tells_spot_by_its_own_label() -> None:
    platform = """\
platform: shop
clusters: {main: {autoscaler: karpenter}}
environments: {prod: {cluster: main}}
"""
    found = compiled("spot: 50%\n", platform=platform)
    pod = found["Deployment/stamp"]["spec"]["template"]["spec"]
    keys = [one["topologyKey"] for one in pod["topologySpreadConstraints"]]
    assert "karpenter.sh/capacity-type" in keys and len(keys) == 3


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("scale: {min: 2, max: 9, spotFrom: 3}\n", "`scale.min: 4`"),
        ("scale: {min: 4, spotFrom: 3}\nspot: 50%\n", "both say"),
        ("scale: {min: 4, spotFrom: 3}\nvolumes: {a: {path: /a, type: disk}}\n", "names or disks"),
        ("scale: {min: 4, spotFrom: 3}\ninstances: named\n", "names or disks"),
        ("scale: {min: 4, spotFrom: 3}\nrollout: canary\n", "canary rollout"),
        ("scale: {min: 4, spotFrom: 1}\n", "spotFrom"),
    ],
)
def test_what_cannot_be_is_said_with_its_place(said: str, why: str) -> None:
    assert why in refused(said)


def test_a_service_of_that_name_is_in_the_way() -> None:
    assert "stamp-spot" in refused("scale: {min: 4, spotFrom: 3}\n", others="stamp-spot")
