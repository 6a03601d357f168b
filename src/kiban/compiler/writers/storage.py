"""The claims of what a service shares among its instances, and of what a job keeps."""

from collections.abc import Iterator

from kiban.compiler.target import Target
from kiban.compiler.volumes import claim
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec


def write(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    for name, volume in sorted(service.volumes.items()):
        kept = volume.type == "shared" or (volume.type == "disk" and service.kind == "job")
        if kept:
            full_name = f"{service.service}-{name}"
            yield target.manifest(
                "v1",
                "PersistentVolumeClaim",
                full_name,
                service=service.service,
                spec=claim(volume),
            )
