"""Images of services that are built from the platform's own repository, for the embedded cluster.

In the cloud an image comes from a registry. On the embedded cluster a release whose image is not
in the local store is built from the commit it is tagged with.
"""

from collections.abc import Iterator
from pathlib import Path

from kiban.adapters.git import GitRepository
from kiban.adapters.images import ImageRecord, ImageStore, Recipe
from kiban.spec import Platform, ServiceSpec


def build_missing(
    platform: Platform, environment: str, repository: GitRepository, images: ImageStore
) -> list[ImageRecord]:
    """Build what an environment runs and the store does not hold. A tag that is a commit is built
    from that commit; any other from the tip of the branch, when the image is first needed."""
    built = []
    for reference, name in sorted(_wanted(platform, environment)):
        if images.find(reference) is None:
            tag = reference.rpartition(":")[2]
            commit = tag if repository.exists(tag) else repository.head()
            service = platform.services[environment][name]
            built.append(
                build_service(service, tag=tag, commit=commit, repository=repository, images=images)
            )
    return built


def build_service(
    service: ServiceSpec, *, tag: str, commit: str, repository: GitRepository, images: ImageStore
) -> ImageRecord:
    """Snapshot a service's source at a commit into the local store."""
    assert service.build is not None and service.image is not None
    build = service.build
    folder = Path(repository.subfolder) / build.context
    return images.build(
        repository.folder,
        folder.as_posix(),
        image=service.image,
        tag=tag,
        commit=commit,
        recipe=Recipe(build.dockerfile, build.target or "", build.args),
    )


def _wanted(platform: Platform, environment: str) -> Iterator[tuple[str, str]]:
    """Image references with a build, and the service of each."""
    for name, service in platform.services[environment].items():
        release = platform.releases.get(environment, {}).get(name)
        if service.build is not None and service.image and release is not None:
            yield f"{service.image}:{release.tag}", name
