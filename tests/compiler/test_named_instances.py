"""Instances with names that stay, and services that never run twice."""

import pytest

from kiban.compiler import compile_environment
from kiban.kube.objects import Manifest
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform

STAMP = "image: registry.example/stamp\nport: 8080\nhealth: /ready\n"


def compiled(said: str) -> dict[str, Manifest]:
    files = {
        "platform.yaml": "platform: shop\nenvironments: {prod: {}}\n",
        "services/stamp.yaml": STAMP + said,
        "releases/prod.yaml": "stamp: v1\n",
    }
    bundle = compile_environment(load_platform(files), "prod")
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in bundle.manifests}


def test_named_instances_are_a_stateful_set_without_disks() -> None:
    found = compiled("instances: named\n")
    spec = found["StatefulSet/stamp"]["spec"]
    assert spec["podManagementPolicy"] == "Parallel"
    assert "volumeClaimTemplates" not in spec
    assert found["Service/stamp-pods"]["spec"]["clusterIP"] == "None"


def test_ordered_instances_start_one_after_the_other() -> None:
    spec = compiled("instances: ordered\nvolumes: {data: {path: /data, type: disk}}\n")
    assert spec["StatefulSet/stamp"]["spec"]["podManagementPolicy"] == "OrderedReady"
    assert len(spec["StatefulSet/stamp"]["spec"]["volumeClaimTemplates"]) == 1


def test_what_never_runs_twice_ends_before_it_starts_anew() -> None:
    found = compiled("scale: 1\nrollout: recreate\n")
    assert found["Deployment/stamp"]["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("strategy", ["recreate", "canary"])
@pytest.mark.parametrize(
    "named", ["instances: named\n", "volumes: {data: {path: /data, type: disk}}\n"]
)
def test_names_and_other_rollouts_do_not_go_together(strategy: str, named: str) -> None:
    with pytest.raises(KibanError) as error:
        compiled(f"{named}rollout: {strategy}\n")
    [problem] = error.value.problems
    assert problem.code == "spec/rollout" and problem.place.line == 5
