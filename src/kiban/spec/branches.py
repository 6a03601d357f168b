"""Branch deploys: images of a branch that run in an environment for a while, beside the services
they are of, or instead of them.

Each is a file `branches/ENVIRONMENT/BRANCH.yaml`, which `kiban release --branch` writes and Kiban
removes when it has expired. Beside, a service of the branch has a name and a host of its own, so
that everybody else goes on with the service as it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from kiban.primitives.located import Located
from kiban.primitives.problems import Place, Problem
from kiban.spec.branch_deploy import BranchDeploy
from kiban.spec.platform import Platform, Release
from kiban.spec.references import unless_known
from kiban.spec.routing import Route
from kiban.spec.scaling import Scale
from kiban.spec.service import ServiceSpec
from kiban.spec.words import NAME_PATTERN

FOLDER = "branches/"
# What of a branch's name becomes part of names and hosts.
LONGEST_SLUG = 24


def slug(branch: str) -> str:
    """The form of a branch's name that files, objects and hosts have."""
    plain = re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-")
    return re.sub(r"^[0-9]", lambda digit: f"b{digit[0]}", plain)[:LONGEST_SLUG].strip("-")


def branch_path(environment: str, branch: str) -> str:
    return f"{FOLDER}{environment}/{slug(branch)}.yaml"


def branch_files(files: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Path, environment and branch of every such file, sorted."""
    for path in sorted(files):
        parts = path.removeprefix(FOLDER).split("/")
        if path.startswith(FOLDER) and len(parts) == 2 and parts[1].endswith((".yaml", ".yml")):
            yield path, parts[0], parts[1].rpartition(".")[0]


def check_branch(
    platform: Platform, environment: str, branch: str, deploy: BranchDeploy, tree: Located
) -> Iterator[Problem]:
    """A branch of an environment and of services that are not there, or cannot be doubled."""
    yield from unless_known("environment", environment, platform.environments, tree.place())
    services = platform.services.get(environment, {})
    for name in deploy.releases:
        place = tree.nearest(("releases", name)).place()
        yield from unless_known("service", name, platform.sources.services, place)
        if not deploy.instead and name in services and services[name].kind == "job":
            what = f"{name} is a job, and would run twice beside itself"
            yield Problem("spec/branch", what, place, fix="say `instead: true`, or leave it out")
        if not deploy.instead and not re.match(NAME_PATTERN, beside(name, branch)):
            what = f"{beside(name, branch)!r} is too long for a name, or none"
            yield Problem("spec/branch", what, place, fix="give the file a shorter name")


def with_branch(
    platform: Platform, environment: str, branch: str, deploy: BranchDeploy, place: Place
) -> Platform:
    """The platform with one branch deployed in an environment."""
    branches = {**platform.branches, (environment, branch): deploy}
    releases = dict(platform.releases.get(environment, {}))
    if deploy.instead:
        releases |= {name: Release(tag, place) for name, tag in deploy.releases.items()}
        every = {**platform.releases, environment: releases}
        return replace(platform, releases=every, branches=branches)
    added = {beside(name, branch): Release(tag, place) for name, tag in deploy.releases.items()}
    own = {beside(name, branch): platform.sources.services[name] for name in deploy.releases}

    def doubled(services: Mapping[str, ServiceSpec]) -> dict[str, ServiceSpec]:
        more = _doubles(platform, environment, branch, services, deploy.releases)
        return dict(sorted({**services, **more}.items()))

    elsewhere = {
        key: doubled(services) if key[0] == environment else services
        for key, services in platform.elsewhere.items()
    }
    services = {**platform.services, environment: doubled(platform.services[environment])}
    return replace(
        platform,
        services=services,
        elsewhere=elsewhere,
        branches=branches,
        releases={**platform.releases, environment: {**releases, **added}},
        sources=replace(platform.sources, services={**platform.sources.services, **own}),
    )


def beside(service: str, branch: str) -> str:
    """The name of a service's double."""
    return f"{service}-{branch}"


def _doubles(
    platform: Platform,
    environment: str,
    branch: str,
    services: Mapping[str, ServiceSpec],
    wanted: Iterable[str],
) -> dict[str, ServiceSpec]:
    found = {}
    for name in wanted:
        if name in services:
            changed: dict[str, Any] = {
                "service": beside(name, branch),
                "routes": _routes(platform, environment, branch, services[name]),
                "scale": Scale(min=1, max=1),
                "images": None,
            }
            found[beside(name, branch)] = services[name].model_copy(update=changed)
    return found


def _routes(
    platform: Platform, environment: str, branch: str, service: ServiceSpec
) -> dict[str, Route]:
    """The routes under hosts of the branch; those without a host would take the service's own."""
    found = {}
    into = platform.environment(environment)
    for key, route in service.routes.items():
        host = into.domain if route.host is None else into.hosts.get(route.host, route.host)
        if host and not host.startswith("*"):
            found[key] = route.model_copy(update={"host": f"{branch}.{host}"})
    return found
