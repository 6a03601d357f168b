"""One platform on many clusters: rings, and what differs by cluster."""

import pytest

from kiban.compiler import compile_environment
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform

PLATFORM = """
platform: shop
environments:
  prod: {clusters: [tokyo, acme], domain: shop.example.com}
rings:
  early: 30m
  rest: {atOnce: 4}
clusters:
  tokyo: {ring: early}
  acme:
    ring: rest
    domain: acme.example.com
    context: acme-eks
    defaults: {env: {TENANT: acme, SIZE: small}}
"""
WEB = """
image: shop/web:1
port: 8080
routes: {main: /}
env: {SIZE: medium}
clusters:
  acme: {env: {SIZE: large}, scale: 5}
"""


def test_a_cluster_has_values_of_its_own_below_and_above_those_of_the_service() -> None:
    platform = load_platform({"platform.yaml": PLATFORM, "services/web.yaml": WEB})
    assert list(platform.spec.rings) == ["early", "rest"]
    assert platform.spec.rings["early"].soak == 1800
    here, there = (platform.services_on("prod", name)["web"] for name in ("tokyo", "acme"))
    assert (here.env, here.scale.min) == ({"SIZE": "medium"}, None)
    assert (there.env, there.scale.min) == ({"SIZE": "large", "TENANT": "acme"}, 5)
    bundles = [compile_environment(platform, "prod", cluster=name) for name in ("tokyo", "acme")]
    assert [bundle.addresses["web"] for bundle in bundles] == [
        ("shop.example.com/",),
        ("acme.example.com/",),
    ]


def test_rings_and_clusters_that_are_not_there_are_said_where_they_are_written() -> None:
    files = {
        "platform.yaml": PLATFORM.replace("ring: rest", "ring: rst"),
        "services/web.yaml": WEB.replace("  acme:", "  acmee:"),
    }
    with pytest.raises(KibanError) as caught:
        load_platform(files)
    found = [(problem.code, str(problem.place)) for problem in caught.value.problems]
    assert found == [
        ("spec/unknown-ring", "platform.yaml:11:11"),
        ("spec/unknown-cluster", "services/web.yaml:7:3"),
    ]


def test_what_is_wrong_on_one_cluster_only_is_found() -> None:
    web = WEB.replace("scale: 5", "scale: {min: 4, max: 2}")
    with pytest.raises(KibanError, match=r"`scale.max` 2 is below `scale.min` 4"):
        load_platform({"platform.yaml": PLATFORM, "services/web.yaml": web})
