"""Patches by identity."""

from typing import Any

import pytest

from kiban.audit import Surroundings, check
from kiban.compiler import compile_environment
from kiban.kube.objects import Manifest
from kiban.primitives.instants import parse_rfc3339
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform

SERVICE = "service: stamp\nimage: a\nport: 80\npatches:\n  {patch}\n"


def patched(patch: str) -> dict[str, Manifest]:
    files = {
        "platform.yaml": "platform: shop\nenvironments: {dev: {}}\n",
        "services/stamp.yaml": SERVICE.replace("{patch}", patch),
        "releases/dev.yaml": "stamp: v1\n",
    }
    bundle = compile_environment(load_platform(files), "dev")
    return {one["kind"]: one for one in bundle.manifests}


def pod(manifests: dict[str, Manifest]) -> dict[str, Any]:
    spec: dict[str, Any] = manifests["Deployment"]["spec"]["template"]["spec"]
    return spec


def test_maps_are_merged_and_null_removes() -> None:
    found = patched(
        "Deployment/stamp containers[app].securityContext: "
        "{reason: needs ping, set: {capabilities: {add: [NET_RAW]}, readOnlyRootFilesystem: null}}"
    )
    [container] = pod(found)["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["NET_RAW"]},
    }
    annotations = found["Deployment"]["metadata"]["annotations"]
    assert annotations["kiban.dev/patched"] == "containers[app].securityContext: needs ping"


def test_a_scalar_is_replaced_and_a_new_field_added() -> None:
    found = patched(
        "Deployment/stamp spec.minReadySeconds: {reason: warm caches, set: 10}\n"
        "  Service/stamp spec.ports[http].port: {reason: old clients, set: 81}"
    )
    assert found["Deployment"]["spec"]["minReadySeconds"] == 10
    assert found["Service"]["spec"]["ports"][0]["port"] == 81


def test_an_item_is_removed_by_its_identity() -> None:
    found = patched(
        "Deployment/stamp topologySpreadConstraints[kubernetes.io/hostname]: "
        "{reason: one node only, remove: true}"
    )
    keys = [one["topologyKey"] for one in pod(found)["topologySpreadConstraints"]]
    assert keys == ["topology.kubernetes.io/zone"]


@pytest.mark.parametrize(
    "target",
    [
        "Deployment/stmap spec",
        "HorizontalPodAutoscaler/stamp spec.maxReplicas",
        "Deployment/stamp containers[sidecar].image",
        "Deployment/stamp spec.nothing.here",
        "Deployment/stamp ??",
        "Deployment/stamp",
    ],
)
def test_a_patch_that_hits_nothing_is_a_problem_with_its_place(target: str) -> None:
    with pytest.raises(KibanError) as caught:
        patched(f'"{target}": {{reason: because, set: 1}}')
    [problem] = caught.value.problems
    assert (problem.code, str(problem.place)) == (
        "compile/patch-target",
        "services/stamp.yaml:5:3",
    )


def conventions(patches: str, *, platform: str = "") -> dict[str, Manifest]:
    files = {
        "platform.yaml": "platform: shop\nenvironments: {dev: {}}\ndefaults:\n  patches:\n"
        f"    {patches}\n{platform}",
        "services/stamp.yaml": "image: a\nport: 80\n",
        "services/nightly.yaml": "image: a\nschedule: 0 3 * * *\n",
        "releases/dev.yaml": "stamp: v1\nnightly: v1\n",
    }
    bundle = compile_environment(load_platform(files), "dev")
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in bundle.manifests}


def test_a_convention_is_about_the_object_of_every_service() -> None:
    found = conventions(
        "Deployment/* spec.selector.matchLabels: {reason: ours, set: "
        "{app.kubernetes.io/name: null, app: 'the-{service}-of-{environment}'}}"
    )
    assert found["Deployment/stamp"]["spec"]["selector"]["matchLabels"] == {
        "app": "the-stamp-of-dev"
    }
    assert "annotations" not in found["Deployment/stamp"]["metadata"]


def test_a_whole_object_can_be_removed() -> None:
    found = conventions("ServiceAccount/*: {reason: not ours, remove: true}")
    assert not any(name.startswith("ServiceAccount/") for name in found)


def test_an_item_is_added_and_names_change_last() -> None:
    found = conventions(
        "Deployment/* containers[app].name: {reason: ours, set: '{service}'}\n"
        "    Deployment/* containers[app].env[+NODE]: {reason: ours, set: {name: NODE, value: x}}\n"
        "    Deployment/* metadata.name: {reason: ours, set: '{service}-deployment'}"
    )
    [container] = pod({"Deployment": found["Deployment/stamp-deployment"]})["containers"]
    assert container["name"] == "stamp"
    assert container["env"][-1] == {"name": "NODE", "value": "x"}


def test_objects_of_the_environment_are_patched_in_platform_yaml() -> None:
    found = conventions(
        "Service/*: {reason: ours, remove: true}",
        platform="patches:\n  NetworkPolicy/default-deny: {reason: not yet, remove: true}\n"
        "  Namespace/* metadata.labels: {reason: ours, set: {team: '{platform}'}}\n",
    )
    assert "NetworkPolicy/default-deny" not in found
    assert found["Namespace/shop-dev"]["metadata"]["labels"]["team"] == "shop"


def test_a_patch_that_has_expired_fails_the_audit() -> None:
    files = {
        "platform.yaml": "platform: shop\nenvironments: {prod: {}}\n",
        "services/web.yaml": "image: r/web:v1\nport: 8080\nhealth: /ok\npatches:\n"
        "  Deployment/web hostAliases:\n    set: [{ip: 10.0.0.7, hostnames: [old]}]\n"
        "    reason: the old machine has no name\n    expires: 2026-12-31\n",
    }
    bundle = compile_environment(load_platform(files), "prod")

    def found(day: str) -> set[str]:
        around = Surroundings(now=parse_rfc3339(f"{day}Z"))
        return {one.rule for one in check(bundle.manifests, around=around)}

    assert found("2026-12-31T23:59:59") == set()
    assert found("2027-01-01T00:00:00") == {"patch-expired"}
