"""Compose files and manifests of AWS Copilot in our language; what it cannot say is told."""

from typing import Any

import yaml

from kiban.adopt.compose import described_compose
from kiban.adopt.compose_files import is_compose, overridden
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
        "port": 9000,
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
        "db.image (was postgres:16; it is the platform's postgres)",
        "web.environment.SECRET (comes from the shell)",
        "web.environment.URL (comes from the shell)",
        "web.ports.53:53/udp",
    )
    assert "api.privileged" not in found.standing(["api.privileged"])
    assert found.standing(["all"]) == []


def test_whatever_nobody_thought_of_is_told() -> None:
    found = compose("""
services:
  web:
    image: 'a:1'
    healthcheck: {test: ok, start_interval: 1s}
    deploy: {mode: global, placement: {max_replicas_per_node: 1}, replicas: 0}
    restart: "no"
    container_name: front
    depends_on: {gone: {condition: service_started}}
    networks: [a]
  db: {image: redis, environment: [SIZE=1], volumes: ["/data"], command: [x]}
include: [more.yaml]
x-common: {a: b}
""")
    assert [one.partition(" ")[0] for one in found.unsaid] == [
        "compose.include",
        "db.command",
        "db.environment.SIZE",
        "db.image",
        "db.volumes./data",
        "web.container_name",
        "web.depends_on.gone",
        "web.deploy.mode",
        "web.deploy.placement.max_replicas_per_node",
        "web.healthcheck.start_interval",
        "web.restart",
    ]
    assert service(found, "web")["scale"] == 0


def test_how_an_image_is_built_is_said() -> None:
    found = compose(
        "services: {web: {build: {context: ./web, dockerfile: Dockerfile.dev, target: dev, "
        "args: [A=b, C], secrets: [x]}}}"
    )
    assert service(found, "web")["build"] == {
        "context": "web", "dockerfile": "Dockerfile.dev", "target": "dev", "args": {"A": "b"}
    }  # fmt: skip
    assert found.unsaid == ("web.build.args.C (comes from the shell)", "web.build.secrets")


def test_what_comes_from_the_shell_has_its_default_or_is_told() -> None:
    text = """
services:
  web:
    image: "${REGISTRY:-docker.io}/web:${TAG}"
    command: ["run", "--port", "$$PORT"]
    environment: {A: "${A:-x}", B: "$B", C: "${KNOWN}", D: "${KNOWN:+yes}"}
    ports: ["${PORT:-8080}:80"]
  api: {image: "${IMAGE}", command: "run ${MODE}", working_dir: "${DIR}"}
"""
    found = translated("shop", [described_compose("dev", yaml.safe_load(text), 0, {"KNOWN": "k"})])
    assert service(found, "web") == {
        "image": "docker.io/web",
        "args": ["run", "--port", "$PORT"],
        "port": 80,
        "env": {"A": "x", "C": "k", "D": "yes"},
    }
    assert [one.partition(" ")[0] for one in found.unsaid] == [
        "api.command", "api.image", "api.workingDir", "web.environment.B", "web.image"
    ]  # fmt: skip


def test_the_oldest_compose_files_are_nothing_but_services() -> None:
    text = "web: {image: 'a:1', ports: [80]}\ndb: {image: mysql}\n"
    assert is_compose(yaml.safe_load(text))
    assert compose(text).services == ("web",)
    assert not is_compose({"metadata": {"name": "x"}})


def test_a_compose_file_over_another_as_compose_puts_it() -> None:
    below = yaml.safe_load("services: {web: {image: a, ports: [80], environment: [A=1, B=2]}}")
    above = yaml.safe_load("services: {web: {image: b, ports: [81], environment: {B: 3}}}")
    assert overridden(below, above)["services"]["web"] == {
        "image": "b", "ports": [80, 81], "environment": {"A": "1", "B": 3}
    }  # fmt: skip


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


def test_the_first_instances_on_demand_are_said() -> None:
    span = {"min": 3, "max": 9, "spot_from": 3}
    tree = {"name": "web", "type": "Backend Service", "image": {"location": "a:1"}}
    found = described_copilot([{**tree, "count": {"range": span}}], ["test"])
    assert found[0].services["web"]["scale"] == {"min": 3, "max": 9, "spotFrom": 3}
    assert translated("shop", found).unsaid == ()


def test_what_copilot_fills_in_is_filled_in_by_us() -> None:
    said = {"A": "x-${COPILOT_ENVIRONMENT_NAME}", "B": "${HOME}", "C": "${region}"}
    tree = {"name": "web", "type": "Backend Service", "image": {"location": "a:1"}}
    found = described_copilot([{**tree, "variables": said}], ["test"])
    wanted = {"A": "x-${environment}", "B": "${HOME}", "C": "$${region}"}
    assert found[0].services["web"]["env"] == wanted


def test_how_copilot_builds_is_said() -> None:
    for build, expected in (
        ("./Dockerfile", {"context": "."}),
        ("web/Dockerfile.prod", {"context": "web", "dockerfile": "Dockerfile.prod"}),
        (
            {"dockerfile": "./docker/Dockerfile", "context": ".", "args": {"A": 1}},
            {"context": ".", "dockerfile": "docker/Dockerfile", "args": {"A": "1"}},
        ),
        ({"context": "web", "target": "x", "cache_from": ["a"]}, {"context": "web", "target": "x"}),
    ):
        tree = {"name": "web", "type": "Backend Service", "image": {"build": build}}
        [found] = described_copilot([tree], ["test"])
        assert found.services["web"]["build"] == expected
        is_told = isinstance(build, dict) and "cache_from" in build
        assert found.unsaid == (["web.image.build.cache_from"] if is_told else [])


def test_what_copilot_says_and_nobody_thought_of_is_told() -> None:
    tree = yaml.safe_load(
        "{name: web, type: Backend Service, image: {location: 'a:1', port: 8080-8082}, "
        "sidecars: {nginx: {image: x}}, http: false, count: {range: 1-3, cooldown: {in: 1m}}, "
        "storage: {volumes: {a: {efs: true}}}, observability: {tracing: awsxray}}"
    )
    [found] = described_copilot([tree], ["test"])
    assert [one.partition(" ")[0] for one in found.unsaid] == [
        "web.image.port",
        "web.count.cooldown.in",
        "web.observability.tracing",
        "web.sidecars.nginx.image",
        "web.storage.volumes.a.efs",
    ]


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
        "web.network.vpc.placement",
        "web.variables.TOPIC",
    ):
        assert name in unsaid
