"""What of a rollout's policy is in the compiled objects."""

import json
from typing import Any

import pytest

from kiban.compiler import compile_environment
from kiban.compiler.rollout import REVISION_LABEL, ROLLOUT_ANNOTATION
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform

PLATFORM = "platform: shop\nenvironments: {prod: {domain: shop.example.com}}\n"
WEB = "image: shop/web:1\nport: 8080\nroutes: {main: /}\n"


def deployment(web: str, *, local: bool = True) -> dict[str, Any]:
    platform = load_platform({"platform.yaml": PLATFORM, "services/web.yaml": web})
    bundle = compile_environment(platform, "prod", local=local)
    return next(one for one in bundle.manifests if one["kind"] == "Deployment")


def policy(web: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        deployment(web)["metadata"]["annotations"][ROLLOUT_ANNOTATION]
    )
    return found


def revision(web: str) -> str:
    return str(deployment(web)["spec"]["template"]["metadata"]["labels"][REVISION_LABEL])


def test_a_canary_by_one_word_has_the_usual_steps() -> None:
    found = policy(WEB + "rollout: canary\n")
    assert (found["shares"], found["pauseSeconds"], found["by"]) == ([10, 50], 60, "weights")


def test_blue_green_shows_the_new_pods_before_it_switches() -> None:
    assert policy(WEB + "rollout: blue-green\n")["shares"] == [0, 100]


def test_a_service_without_routes_shares_by_its_pods() -> None:
    assert policy("image: shop/web:1\nport: 80\nrollout: canary\n")["by"] == "replicas"


def test_a_revision_is_as_the_pods_are_patches_included() -> None:
    web = WEB + "rollout: canary\n"
    patch = "patches: {'Deployment/web containers[app].tty': {set: true, reason: a terminal}}\n"
    assert revision(web) == revision(web)
    assert revision(web) != revision(web.replace("web:1", "web:2"))
    assert revision(web) != revision(web + patch)


def test_without_a_policy_nothing_is_added() -> None:
    plain = deployment(WEB)
    assert plain == deployment(WEB + "rollout: rolling\n")
    assert REVISION_LABEL not in plain["spec"]["template"]["metadata"]["labels"]


@pytest.mark.parametrize(
    "rollout", ["{strategy: canary, steps: [50%, 10%]}", "{strategy: blue-green, steps: [10%]}"]
)
def test_steps_that_make_no_sense_are_said(rollout: str) -> None:
    with pytest.raises(KibanError, match=r"steps"):
        deployment(WEB + f"rollout: {rollout}\n")
