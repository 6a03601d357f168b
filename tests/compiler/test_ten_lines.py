"""A service of ten lines is sound in every environment."""

import pytest

from kiban.audit import check
from kiban.audit.fleet import told_by
from kiban.audit.surroundings import Settings, Surroundings
from kiban.compiler import compile_environment
from kiban.primitives.instants import parse_rfc3339
from kiban.spec import load_platform

SERVICE = """\
team: contents
image: registry.example/stamp
port: 8080
health: /healthz
scale: {min: 3, max: 12, cpu: 70%}
routes: {public: /stamp}
uses: {main: resource}
env: {LOG_LEVEL: info}
secrets: {API_KEY: stamp/api-key}
environments: {dev: {spot: 100%}, prod: {spot: 50%}}
"""
PLATFORM = """\
platform: shop
teams: {contents: {contact: '#contents'}}
clusters:
  main: {version: 1.34, zones: [a, b, c], nodes: {m: {instance: m5.xlarge, min: 3, max: 30}}}
environments:
  dev: {cluster: main, domain: dev.example.com}
  stg: {cluster: main, domain: stg.example.com, after: dev}
  prod: {cluster: main, domain: example.com, after: stg}
resources: {main: postgres}
"""
FILES = {
    "platform.yaml": PLATFORM,
    "services/stamp.yaml": SERVICE,
    **{f"releases/{name}.yaml": "stamp: v1\n" for name in ("dev", "stg", "prod")},
}


@pytest.mark.parametrize("environment", ["dev", "stg", "prod"])
@pytest.mark.parametrize("local", [False, True])
def test_ten_lines_have_no_finding(environment: str, *, local: bool) -> None:
    assert len(SERVICE.splitlines()) <= 10
    platform = load_platform(FILES)
    bundle = compile_environment(platform, environment, local=local)
    settings = told_by(platform.spec.clusters["main"], Settings())
    around = Surroundings(settings, parse_rfc3339("2026-11-21T00:00:00Z"))
    assert check(bundle.manifests, around=around) == ()
    kinds = {one["kind"] for one in bundle.manifests}
    assert {"Deployment", "Service", "Ingress", "HorizontalPodAutoscaler",
            "PodDisruptionBudget", "NetworkPolicy", "ServiceAccount"} <= kinds  # fmt: skip


def test_three_lines_have_no_finding() -> None:
    files = {
        **FILES,
        "services/stamp.yaml": "image: registry.example/stamp\nport: 8080\nhealth: /ok\n",
    }
    platform = load_platform(files)
    assert check(compile_environment(platform, "prod").manifests) == ()
