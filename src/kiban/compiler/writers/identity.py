"""What a service is and what it is given: its ServiceAccount and the ConfigMap of its files."""

from collections.abc import Iterator

from kiban.compiler.target import Target
from kiban.compiler.volumes import contents, expanded
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec


def write(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    name = service.service
    role = {"eks.amazonaws.com/role-arn": service.role} if service.role else {}
    yield target.manifest(
        "v1",
        "ServiceAccount",
        name,
        service=name,
        annotations=role,
        automountServiceAccountToken=service.token,
    )
    if found := contents(expanded(target, service)):
        yield target.manifest("v1", "ConfigMap", f"{name}-files", service=name, **found)
