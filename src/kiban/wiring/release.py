"""`kiban release`, `kiban rollback` and `kiban build`: one line of Git, and what it names."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from kiban.adapters.git import GitRepository, open_repository
from kiban.adapters.images import ImageRecord, ImageStore
from kiban.adapters.journal import JournalReader
from kiban.compiler.image_builds import build_command
from kiban.delivery.planning import Proposal
from kiban.delivery.releases import known_service, last_good, release_path, released, with_release
from kiban.primitives.problems import KibanError, Problem
from kiban.spec import Platform, ServiceSpec, load_platform
from kiban.wiring.builds import build_service
from kiban.wiring.deliveries import chosen_environments
from kiban.wiring.places import copies
from kiban.wiring.planning import plan_of_edit
from kiban.wiring.quarantines import (
    quarantined,
    quarantined_for,
    refuse_quarantined,
)
from kiban.wiring.repository import home_of

TAG_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Released:
    """A release that is in Git now: the commit, or the tip when nothing had to change; no commit
    while it is only looked at."""

    environment: str
    commit: str
    tags: Mapping[str, str]

    def as_data(self) -> dict[str, object]:
        return {
            "environment": self.environment,
            "commit": self.commit,
            "releases": dict(sorted(self.tags.items())),
        }


def foreseen(wanted: Released) -> Proposal:
    """What a release that is not committed would do to its environment."""
    home = home_of()
    path = release_path(wanted.environment)
    repository = home.repository()
    text = repository.file(repository.head(), path) or ""
    changed = with_releases(text, wanted.tags, path)
    return plan_of_edit(home.directory, path, changed, wanted.environment)


def release(
    tags: Mapping[str, str], environment: str | None, source: str = "", *, only_look: bool = False
) -> Released:
    """Have services run other images in an environment. Raises `KibanError` for unknown names."""
    repository = where_releases_go(source)
    platform = load_platform(repository.files(repository.head()))
    [name] = chosen_environments(platform, [environment] if environment else [])
    for service in tags:
        known_service(service, platform.services[name])
    refuse_quarantined(tags, quarantined_for(source))
    if only_look:
        return Released(name, "", tags)
    return Released(name, release_line(repository, name, tags), tags)


def where_releases_go(source: str = "") -> GitRepository:
    """The repository of here, or the one at a URL or path, as pipelines name it."""
    return open_repository(source, copies()) if source else home_of().repository()


def release_line(
    repository: GitRepository, environment: str, tags: Mapping[str, str], message: str = ""
) -> str:
    """Edit the lines of services in `releases/<environment>.yaml` and commit; the commit."""
    path = release_path(environment)
    words = ", ".join(f"{service}={tag}" for service, tag in sorted(tags.items()))
    return repository.edit(
        path,
        lambda text: with_releases(text, tags, path),
        message or f"Release {words} to {environment}",
    )


def with_releases(text: str, tags: Mapping[str, str], path: str) -> str:
    """The text of a release file with other tags for services."""
    for service, tag in sorted(tags.items()):
        text = with_release(text, service, tag, path=path)
    return text


def rollback(
    service: str, environment: str | None, to: str, *, only_look: bool = False
) -> Released:
    """Return a service to a tag, or to the last one that is known to have run well."""
    home = home_of()
    repository = home.repository()
    platform = load_platform(repository.files(repository.head()))
    [name] = chosen_environments(platform, [environment] if environment else [])
    known_service(service, platform.services[name])
    text = repository.file(repository.head(), release_path(name)) or ""
    current = released(text).get(service, "")
    tag = to
    if not tag:
        entries = JournalReader(home.state.journal).last(500, kind="event")
        prefix = f"{platform.name}/{name}@"
        told = [
            entry for entry in entries if getattr(entry.record, "subject", "").startswith(prefix)
        ]
        tag = last_good(service, current, told)
    refuse_quarantined({service: tag}, quarantined())
    if only_look:
        return Released(name, "", {service: tag})
    message = f"Roll {service} back to {tag} in {name}"
    return Released(name, release_line(repository, name, {service: tag}, message), {service: tag})


def build(services: tuple[str, ...], commit: str, tag: str) -> list[ImageRecord]:
    """Snapshot services' sources at a commit into the local image store, tagged with it.

    Without names, every service that has a `build`. Raises `KibanError` for unknown names.
    """
    home = home_of()
    repository = home.repository()
    platform, at = _at(repository, commit)
    images = ImageStore(home.state.cluster / "images")
    return [
        build_service(
            _buildable(platform, name), tag=tag or at[:TAG_LENGTH], commit=at,
            repository=repository, images=images,
        )
        for name in _chosen(platform, services)
    ]  # fmt: skip


def build_commands(services: tuple[str, ...], commit: str, tag: str) -> list[str]:
    """The same builds as command lines for a pipeline, which pushes them to a registry."""
    platform, at = _at(home_of().repository(), commit)
    return [
        shlex.join(build_command(_buildable(platform, name), tag or at[:TAG_LENGTH]))
        for name in _chosen(platform, services)
    ]


def _at(repository: GitRepository, commit: str) -> tuple[Platform, str]:
    at = repository.commit_info(commit).commit if commit else repository.head()
    return load_platform(repository.files(at)), at


def _chosen(platform: Platform, services: tuple[str, ...]) -> tuple[str, ...]:
    specs = next(iter(platform.services.values()))
    for service in services:
        known_service(service, specs)
    return services or tuple(sorted(name for name, spec in specs.items() if spec.build))


def _buildable(platform: Platform, name: str) -> ServiceSpec:
    spec = next(iter(platform.services.values()))[name]
    if spec.build is None or spec.image is None:
        raise KibanError(
            Problem(
                "build/no-source",
                f"{name} says neither where its source is nor what its image is called",
                fix=f"add build: apps/{name} and image: to services/{name}.yaml",
            )
        )
    return spec
