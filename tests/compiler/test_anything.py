"""Whatever people write: it is refused with problems, or it compiles to what Kubernetes accepts."""

from typing import Any

import kubernetes_validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiban.audit import check
from kiban.compiler import compile_environment, render
from kiban.primitives.canonical import yaml_text
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform
from kiban.spec.service import ServiceSpec

FIELDS = sorted(field.alias or name for name, field in ServiceSpec.model_fields.items())
SCALARS: list[Any] = [
    *("", "a", "b", "/", "/x", "15s", "0s", "70%", "100%", "512Mi", "0 3 * * *", "a/b", "service"),
    *(
        "web",
        "worker",
        "job",
        "postgres",
        "redis",
        "resource",
        "main",
        "api",
        "Deployment/api spec",
    ),
    *(0, 1, 2, 80, 8080, -1, 1.5, 70000, True, False, None),
]
KEYS = [
    *("a", "b", "main", "min", "max", "path", "port", "type", "name", "cpu", "memory", "host"),
    *("content", "reason", "set", "A", "/a", "zones", "liveness", "command", "dev", "size", "http"),
]
values = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=3), st.lists(inner, max_size=2)
    ),
    max_leaves=5,
)
services = st.dictionaries(st.sampled_from(FIELDS), values, max_size=4)
PLAUSIBLE: dict[str, list[Any]] = {
    "kind": ["web", "worker", "job"],
    "health": ["/x", {"command": "a b"}, {"grpc": True}, {"liveness": True}, {"port": 1}],
    "resources": [{"cpu": 1, "memory": "1Gi", "cpuLimit": 2}, {"disk": "1Gi"}],
    "scale": [0, 1, 7, {"max": 3}, {"min": 1, "max": 2, "requests": 5}, {"memory": "50%"}],
    "drain": ["0s", "500ms", "2m"],
    "availability": [0, 1, 3, {"strict": True}],
    "spot": ["0%", "30%", "100%"],
    "routes": [{"a": "/"}, {"a": {"host": "a.b", "timeout": "3s"}, "b": {"port": "admin"}}],
    "ports": [{"admin": 9000}, {"http": 1}],
    "uses": [{"main": "resource"}, {"b": "service"}, {"x": "redis"}, {"q": "queue", "m": "mongo"}],
    "env": [{"A": 1.10}, {"PORT": True}],
    "secrets": [{"A": "a/b"}, {"A": "main/url"}],
    "files": [{"/a/b": "x"}, {"/a": {"content": "x", "mode": "0644"}}],
    "volumes": [{"a": "/x"}, {"tmp": "/y"}],
    "init": [{"a": ["b"]}, {"a": {"command": "b c", "image": "x"}}, {"app": ["b"]}],
    "schedule": ["0 3 * * *", "x"],
    "command": ["a 'b c'", ["a", 1]],
    "patches": [
        {"Deployment/api containers[app].image": {"reason": "because", "set": "x"}},
        {"Deployment/api spec.replicas": {"reason": "because", "set": 2}},
        {"Service/api": {"reason": "because", "remove": True}},
        {"Deployment/api containers[app]": {"reason": "because", "remove": True}},
    ],
    "environments": [{"dev": {"scale": {"max": 2}}}, {"prod": {"env": {"A": "b"}}}],
    "user": [0, 1000],
    "team": ["a"],
}
plausible = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(found) for name, found in PLAUSIBLE.items()}
)
USUAL: dict[str, Any] = {"image": "a", "port": 8080}
PLATFORM = """\
platform: shop
environments: {dev: {domain: shop.localhost}, prod: {}}
teams: {a: {}}
resources: {main: postgres}
"""


def outcome(service: dict[str, Any], *, local: bool) -> str:
    files = {
        "platform.yaml": PLATFORM,
        "services/api.yaml": yaml_text(service),
        "services/b.yaml": "image: b\nport: 80\n",
        "releases/dev.yaml": "api: v1\nb: v1\n",
    }
    try:
        bundle = compile_environment(load_platform(files), "dev", local=local)
    except KibanError as error:
        assert all(problem.place.file or problem.place.thing for problem in error.problems)
        return "refused"
    assert render(bundle)
    check(bundle.manifests)
    for manifest in bundle.manifests:
        if manifest["metadata"]["name"] == "api":
            kubernetes_validate.validate(manifest, "1.36", strict=True)
    return "compiled"


@given(st.one_of(services, plausible), st.booleans())
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_a_service_is_refused_or_compiles(service: dict[str, Any], local: bool) -> None:
    outcome(USUAL | service, local=local)


def test_the_usual_compiles() -> None:
    assert outcome(USUAL, local=True) == "compiled"
