"""The objects that ask an operator or a cloud controller for a resource, as its class has them.

They belong to the resource, whoever uses it, and stay when nobody does.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kiban.compiler.bundle import KEPT_ANNOTATION
from kiban.compiler.patches import filled
from kiban.compiler.target import Target, Used
from kiban.kube.objects import Manifest


def write(target: Target, used: Used, users: list[str]) -> Iterator[Manifest]:
    """The objects of one resource that these services use."""
    found = target.resource_class(used)
    if found is None:
        return
    words = _words(target, used, users[0])
    for key, template in sorted(found.objects.items()):
        said: dict[str, Any] = filled(template, words)
        metadata = said.get("metadata") or {}
        body = {name: value for name, value in said.items() if name not in _IDENTITY}
        usual = used.name if len(found.objects) == 1 else f"{used.name}-{key}"
        name = metadata.get("name") or usual
        made = target.manifest(said["apiVersion"], said["kind"], name, service=used.name, **body)
        labels = {**metadata.get("labels", {}), **made["metadata"]["labels"]}
        notes = {**metadata.get("annotations", {}), KEPT_ANNOTATION: "true"}
        yield {**made, "metadata": {**made["metadata"], "labels": labels, "annotations": notes}}


_IDENTITY = ("apiVersion", "kind", "metadata")


def _words(target: Target, used: Used, user: str) -> Mapping[str, str]:
    resource = target.resource(used)
    return {
        **resource.params,
        "name": used.name,
        "size": resource.size,
        "version": resource.version or "",
        "service": user,
        "namespace": target.namespace,
        "environment": target.environment,
        "platform": target.platform.name,
        "region": target.cluster.region,
    }
