"""Small manifests that the tests of this package share, and strategies that make others."""

from typing import Any

from hypothesis import strategies as st

from kiban.kube.objects import Manifest

Value = dict[str, Any]

KEYS = st.sampled_from(["a", "b", "c", "d"])
SCALARS = st.one_of(st.integers(0, 3), st.sampled_from(["x", "y", ""]), st.booleans())
# Trees without null: a merge patch has no way to say null as a value.
TREES = st.recursive(
    SCALARS | st.lists(SCALARS, max_size=3),
    lambda children: st.dictionaries(KEYS, children, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, TREES, max_size=4)


def config_map(name: str = "settings", **data: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def container(name: str = "app", **fields: Any) -> Value:
    return {"name": name, "image": "registry.example/app:1", **fields}


def pod(*containers: Value, **spec: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"containers": list(containers) or [container()], **spec},
    }


def deployment(*containers: Value, **spec: Any) -> Manifest:
    template = {
        "metadata": {"labels": {"app": "cart"}},
        "spec": {"containers": list(containers) or [container()]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "cart"}}, "template": template, **spec},
    }


def service(*ports: Value, **spec: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"selector": {"app": "cart"}, "ports": list(ports) or [{"port": 80}], **spec},
    }


def job(**spec: Any) -> Manifest:
    template = {"spec": {"restartPolicy": "Never", "containers": [container()]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "count", "namespace": "shop"},
        "spec": {"template": template, **spec},
    }


def cron_job(schedule: str = "*/5 * * * *", **spec: Any) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "rank", "namespace": "shop"},
        "spec": {"schedule": schedule, "jobTemplate": {"spec": job()["spec"]}, **spec},
    }
