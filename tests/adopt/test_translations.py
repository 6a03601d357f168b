"""Compose files and manifests of AWS Copilot in our language; what it cannot say is told."""

from typing import Any

import yaml

from kiban.adopt.compose import described_compose
from kiban.adopt.copilot import described_copilot, is_copilot
from kiban.adopt.descriptions import Translation, translated

COMPOSE = """
services:
  web:
    build: {context: ./apps/web, args: {A: b}}
    ports: ["8080:80", "127.0.0.1:9090:9090/tcp", "53:53/udp"]
    environment: [LOG_LEVEL=debug, SECRET, "URL=${FROM_SHELL}"]
    depends_on: [api, db]
  api:
    image: registry:5000/shop/api:v3
    command: python -m api --port 9000
    expose: [9000]
    user: "1000:1000"
    environment: {DEBUG: true, EMPTY: ""}
    healthcheck: {test: [CMD, ok], interval: 10s, timeout: 3s, retries: 5, start_period: 30s}
    deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 512M}}}
    volumes: ["./data:/data", "cache:/cache"]
    tmpfs: /scratch
    stop_grace_period: 20s
    privileged: true
  db: {image: "postgres:16"}
"""


def compose(text: str = COMPOSE) -> Translation:
    return translated("shop", [described_compose("dev", yaml.safe_load(text))])


def service(found: Translation, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(found.files[f"services/{name}.yaml"])
    return loaded


def test_a_compose_service_is_said_in_our_words() -> None:
    found = compose()
    assert service(found, "api") == {
        "image": "registry:5000/shop/api",
        "args": ["python", "-m", "api", "--port", "9000"],
        "health": {
            "command": ["ok"], "interval": "10s", "timeout": "3s", "startup": "30s", "failures": 5
        },
        "drain": "20s",
        "resources": {"cpu": "0.5", "memory": "512Mi"},
        "scale": 2,
        "user": 1000,
        "env": {"DEBUG": "true", "EMPTY": ""},
        "volumes": {"tmp-0": {"path": "/scratch"}},
    }  # fmt: skip
    assert found.files["releases/dev.yaml"].startswith("api: v3\n")


def test_databases_become_resources_of_the_platform() -> None:
    found = compose()
    assert found.services == ("api", "web")
    assert yaml.safe_load(found.files["platform.yaml"])["resources"] == {"db": "postgres"}
    web = service(found, "web")
    assert web["uses"] == {"api": {"type": "service"}, "db": {"type": "resource"}}
    assert (web["port"], web["ports"]) == (80, {"p9090": 9090})


def test_what_is_not_taken_over_is_told_and_accepted_by_name() -> None:
    found = compose()
    assert found.unsaid == (
        "api.privileged",
        "api.volumes../data (a directory of the machine)",
        "api.volumes.cache (kept data)",
        "web.build.args",
        "web.environment.SECRET (comes from the shell)",
        "web.environment.URL (comes from the shell)",
        "web.ports.53:53/udp",
    )
    assert "api.privileged" not in found.standing(["api.privileged"])
    assert found.standing(["all"]) == []


def test_an_environment_for_each_compose_file() -> None:
    one, two = (yaml.safe_load(COMPOSE.replace("debug", level)) for level in ("debug", "warn"))
    found = translated("shop", [described_compose("dev", one), described_compose("prod", two)])
    assert service(found, "web")["environments"] == {"prod": {"env": {"LOG_LEVEL": "warn"}}}


COPILOT = """
name: web
type: Load Balanced Web Service
http:
  path: shop
  alias: [shop.example.com, www.example.com]
  healthcheck: {path: /healthz, success_codes: "200", interval: 10s}
  deregistration_delay: 20s
  stickiness: true
image: {build: ./web/Dockerfile, port: 8080}
cpu: 256
memory: 512
count: {range: {min: 2, max: 10, spot_from: 3}, cpu_percentage: 70, requests: 600}
variables: {LOG_LEVEL: info, TOPIC: {from_cfn: x}}
secrets: {DB_PASSWORD: /copilot/app/db}
network: {vpc: {placement: private}}
environments:
  test: {count: 1, variables: {LOG_LEVEL: debug}}
  prod: {cpu: 1024}
"""
JOB = """
name: nightly
type: Scheduled Job
image: {location: "1.dkr.ecr.ap-northeast-1.amazonaws.com/nightly:v7"}
"on": {schedule: 0 3 * * *}
retries: 3
timeout: 1h30m
"""


def copilot() -> Translation:
    manifests = [yaml.safe_load(text) for text in (COPILOT, JOB)]
    assert all(map(is_copilot, manifests))
    return translated("shop", described_copilot(manifests, ["prod", "test"]))


def test_a_copilot_service_is_said_in_our_words() -> None:
    web = service(copilot(), "web")
    assert web["build"] == {"context": "web"}
    assert web["health"] == {"path": "/healthz", "interval": "10s"}
    assert (web["drain"], web["port"]) == ("20s", 8080)
    assert web["routes"] == {
        "public": {"host": "shop.example.com", "path": "/shop"},
        "public-2": {"host": "www.example.com", "path": "/shop"},
    }
    assert web["secrets"] == {"DB_PASSWORD": "web/db-password"}
    assert web["env"] == {"LOG_LEVEL": "debug"}
    prod = web["environments"]["prod"]
    assert (prod["env"], prod["resources"]["cpu"]) == ({"LOG_LEVEL": "info"}, "1000m")
    assert prod["scale"] == {"min": 2, "max": 10, "cpu": "70%", "requests": "10"}


def test_a_scheduled_job_is_a_job_and_prod_comes_last() -> None:
    found = copilot()
    assert found.environments == ("test", "prod")
    job = service(found, "nightly")
    assert (job["schedule"], job["deadline"], job["retries"]) == ("0 3 * * *", "1h30m", 3)


def test_where_a_secret_was_is_told() -> None:
    unsaid = copilot().unsaid
    assert "web.secrets.DB_PASSWORD (was at /copilot/app/db)" in unsaid
    for name in (
        "web.count.range.spot_from",
        "web.http.stickiness",
        "web.http.healthcheck.success_codes",
        "web.network",
        "web.variables.TOPIC",
    ):
        assert name in unsaid
