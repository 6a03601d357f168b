"""The Jobs of a service's hooks. Delivery runs each once for each release, at its moment."""

from collections.abc import Iterator
from math import ceil
from typing import Any

from kiban.compiler.bundle import HOOK_ANNOTATION, HOOK_DELETE_ANNOTATION
from kiban.compiler.pod import pod_template
from kiban.compiler.target import NAME_LABEL, Target
from kiban.compiler.variables import with_written
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec
from kiban.spec.hooks import HookSpec

# What a program that serves needs and one that ends does not.
_OF_SERVERS = ("ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle")
_OF_GROUPS = ("topologySpreadConstraints", "initContainers")


def write(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    for name, hook in sorted(service.hooks.items()):
        notes: dict[str, str] = {HOOK_ANNOTATION: hook.when}
        if hook.delete != "superseded":
            notes[HOOK_DELETE_ANNOTATION] = hook.delete
        full = f"{service.service}-{name}"
        spec = {
            "backoffLimit": hook.retries,
            "activeDeadlineSeconds": max(1, ceil(hook.deadline)),
            "template": _template(target, service, full, hook),
        }
        yield target.manifest(
            "batch/v1", "Job", full, service=service.service, annotations=notes, spec=spec
        )


def _template(target: Target, service: ServiceSpec, name: str, hook: HookSpec) -> dict[str, Any]:
    template = pod_template(target, service)
    # Under the service's own name it would get the service's traffic.
    labels = {**template["metadata"]["labels"], NAME_LABEL: name}
    pod = {key: value for key, value in template["spec"].items() if key not in _OF_GROUPS}
    container = {
        key: value for key, value in pod["containers"][0].items() if key not in _OF_SERVERS
    }
    variables = with_written(container["env"], target, service, hook.env, {})
    container |= {"command": list(hook.command), "env": list(variables.values())}
    container.pop("args", None)
    container |= {"args": list(hook.args)} if hook.args else {}
    container |= {"image": hook.image} if hook.image else {}
    return {
        "metadata": {**template["metadata"], "labels": labels},
        "spec": {**pod, "restartPolicy": "Never", "containers": [container]},
    }
