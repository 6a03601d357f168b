"""Manifests of chance: services in environments, with whatever a Deployment and its company may
have."""

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from kiban.adopt import Copy
from kiban.kube.documents import Document
from kiban.kube.objects import Manifest
from kiban.primitives.canonical import yaml_text

ENVIRONMENTS = ("dev", "stg", "prod")
names = st.sampled_from(["stamp", "points", "user-api", "web"])
words = st.sampled_from(["a", "dev", "x-prod-y", "{service}", "1", "stamp", "true", "", "a b", "é"])
spans = st.integers(1, 60)
quantities = st.sampled_from(["100m", "0.1", "1", "128Mi", "0.5Gi", "1Gi"])


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


labels = st.dictionaries(
    st.sampled_from(["tier", "env", "app.kubernetes.io/name", "kiban.example/x"]), words, max_size=3
)
variables = st.lists(
    st.one_of(
        st.fixed_dictionaries({"name": st.sampled_from("ABC"), "value": words}),
        st.sampled_from(
            [
                {"name": "PORT", "value": "8080"},
                {"name": "REF", "value": "$(A)/x"},
                {"name": "K", "valueFrom": {"secretKeyRef": {"name": "db", "key": "k"}}},
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "dotted.name", "value": "x"},
            ]
        ),
    ),
    max_size=4,
    unique_by=lambda one: one["name"],
)
handlers = st.sampled_from(
    [
        {"httpGet": {"path": "/healthz", "port": "http"}},
        {"httpGet": {"path": "/x", "port": 8080, "scheme": "HTTPS"}},
        {"tcpSocket": {"port": 8080}},
        {"exec": {"command": ["ok"]}},
        {"grpc": {"port": 9090}},
    ]
)
probes = st.builds(
    lambda handler, more: {**handler, **more},
    handlers,
    st.dictionaries(
        st.sampled_from(["periodSeconds", "timeoutSeconds", "failureThreshold"]), spans, max_size=3
    ),
)
resources = st.fixed_dictionaries(
    {},
    optional={
        "requests": st.dictionaries(st.sampled_from(["cpu", "memory"]), quantities),
        "limits": st.dictionaries(
            st.sampled_from(["cpu", "memory", "example.com/gpu"]), quantities
        ),
    },
)
ports = st.sampled_from(
    [
        [],
        [{"containerPort": 8080}],
        [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        [{"name": "api", "containerPort": 9000}, {"name": "metrics", "containerPort": 9090}],
        [{"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}],
    ]
)


@st.composite
def containers(draw: st.DrawFn, name: str) -> dict[str, Any]:
    image = draw(
        st.sampled_from(
            ["shop/stamp:v1", "shop/stamp:v2", "registry:5000/x", "x@sha256:" + "a" * 64, "y:1"]
        )
    )
    found: dict[str, Any] = {"name": name, "image": image}
    for key, values in (
        ("env", variables),
        ("ports", ports),
        ("resources", resources),
        ("readinessProbe", probes),
        ("livenessProbe", probes),
        ("startupProbe", probes),
        ("args", st.lists(words, max_size=2)),
        ("command", st.lists(words, max_size=2)),
        ("securityContext", st.sampled_from([{}, {"privileged": True}, {"runAsUser": 7}])),
        ("imagePullPolicy", st.sampled_from(["Always", "IfNotPresent"])),
        (
            "lifecycle",
            st.sampled_from(
                [{"preStop": {"sleep": {"seconds": 5}}}, {"preStop": {"exec": {"command": ["x"]}}}]
            ),
        ),
        ("volumeMounts", st.sampled_from([[], [{"name": "v", "mountPath": "/tmp"}]])),
    ):
        value = draw(maybe(values))
        if value is not None:
            found[key] = value
    return found


@st.composite
def pods(draw: st.DrawFn, service: str) -> dict[str, Any]:
    main = draw(containers(draw(st.sampled_from([service, "main"]))))
    found: dict[str, Any] = {"containers": [main]}
    if draw(st.booleans()):
        found["containers"].insert(draw(st.integers(0, 1)), {"name": "side", "image": "side:1"})
    if any(one.get("volumeMounts") for one in found["containers"]):
        found["volumes"] = [
            {"name": "v", "emptyDir": draw(st.sampled_from([{}, {"sizeLimit": "1Gi"}]))}
        ]
    for key, value in (
        ("serviceAccountName", "robot"),
        ("terminationGracePeriodSeconds", 45),
        ("nodeSelector", {"disk": "ssd"}),
        ("tolerations", [{"operator": "Exists"}]),
        ("initContainers", [{"name": "b", "image": "b:1"}, {"name": "a", "image": "a:1"}]),
        ("securityContext", {"fsGroup": 1}),
        ("automountServiceAccountToken", True),
    ):
        if draw(st.booleans()):
            found[key] = deepcopy(value)
    return found


@st.composite
def services(draw: st.DrawFn, service: str, environment: str) -> list[Manifest]:
    """A Deployment with perhaps a Service, an autoscaler, a budget, an Ingress and settings."""
    app = {"app": service}
    space = {"namespace": f"shop-{environment}"}
    metadata = {"name": draw(st.sampled_from([service, f"{service}-deployment"])), **space}
    if more := draw(maybe(labels)):
        metadata["labels"] = more
    spec: dict[str, Any] = {
        "selector": {"matchLabels": app},
        "template": {
            "metadata": {"labels": {**app, **(draw(maybe(labels)) or {})}},
            "spec": draw(pods(service)),
        },
    }
    if (count := draw(maybe(st.integers(0, 3)))) is not None:
        spec["replicas"] = count
    if draw(st.booleans()):
        spec["strategy"] = {"type": "Recreate"}
    found = [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}]

    def add(api_version: str, kind: str, body: Manifest) -> None:
        name = draw(st.sampled_from([service, f"{service}-{kind.lower()}"]))
        made = {"name": name, **space}
        found.append({"apiVersion": api_version, "kind": kind, "metadata": made, **body})

    if draw(st.booleans()):
        port = draw(
            st.sampled_from(
                [
                    {"port": 80, "targetPort": 8080},
                    {"name": "http", "port": 8080, "targetPort": "http"},
                ]
            )
        )
        add("v1", "Service", {"spec": {"selector": app, "ports": [port]}})
        backend = {"service": {"name": found[-1]["metadata"]["name"], "port": {"number": 80}}}
        path = {"path": f"/{service}", "pathType": "Prefix", "backend": backend}
        rule = {"host": f"{environment}.example.com", "http": {"paths": [path]}}
        if draw(st.booleans()):
            add("networking.k8s.io/v1", "Ingress", {"spec": {"rules": [rule]}})
    if draw(st.booleans()):
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"]}
        numbers = {"minReplicas": draw(st.integers(1, 2)), "maxReplicas": draw(st.integers(2, 4))}
        add(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            {"spec": {"scaleTargetRef": target, **numbers}},
        )
    if draw(st.booleans()):
        budget = {"minAvailable": draw(st.integers(1, 2)), "selector": {"matchLabels": app}}
        add("policy/v1", "PodDisruptionBudget", {"spec": budget})
    if draw(st.booleans()):
        add("v1", "ConfigMap", {"data": {"k": draw(words)}})
    return found


@st.composite
def platforms(draw: st.DrawFn) -> list[Copy]:
    """Up to three services in up to three environments: mostly the same, as copies are."""
    chosen = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    count = draw(st.integers(1, 3))
    copies: dict[str, list[Manifest]] = {name: [] for name in ENVIRONMENTS[:count]}
    for service in chosen:
        first = draw(services(service, "dev"))
        for environment in copies:
            kind = draw(st.sampled_from(["same", "same", "other", "none"]))
            if kind == "same":
                copies[environment] += moved(first, environment)
            elif kind == "other":
                copies[environment] += draw(services(service, environment))
    return [copy_of(name, objects) for name, objects in copies.items()]


def moved(objects: list[Manifest], environment: str) -> list[Manifest]:
    found = deepcopy(objects)
    for one in found:
        one["metadata"]["namespace"] = f"shop-{environment}"
    return found


def copy_of(environment: str, objects: list[Manifest]) -> Copy:
    documents = tuple(Document(one, "x.yaml", 1, yaml_text(one)) for one in objects)
    return Copy(environment, documents, lines=sum(one.text.count("\n") for one in documents))
