"""Deliveries put together: which environments go to which cluster, and what a commit becomes."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kiban.adapters.delivery_driver import Compile, DeliveryDriver
from kiban.adapters.git import GitRepository
from kiban.adapters.images import ImageStore
from kiban.adapters.journal import Journal
from kiban.adapters.journal.database import JournalPlace
from kiban.audit import Severity, check, judge, load_waivers, surroundings_of
from kiban.audit.wellformed import Readings
from kiban.compiler import Bundle, Compilations
from kiban.delivery.marks import Scope
from kiban.kube.ports import ClusterPort
from kiban.primitives.instants import Instant
from kiban.primitives.problems import KibanError
from kiban.spec import Platform, load_platform
from kiban.wiring.builds import build_missing
from kiban.wiring.quarantines import refuse_newly_quarantined
from kiban.wiring.sources import compiled, renderer_of_files
from kiban.wiring.tending.rollouts import RolloutJudge


@dataclass(frozen=True, slots=True)
class Target:
    """Where environments go. With `images` it is the embedded cluster: local resources are run
    and missing images built there."""

    cluster: ClusterPort
    name: str
    images: ImageStore | None = None


def driver_for(
    platform: Platform,
    environment: str,
    target: Target,
    journal: Journal,
    *,
    allow_delete: bool,
    judge: RolloutJudge | None = None,
) -> DeliveryDriver:
    """The driver that keeps one environment on the target; `judge` answers for new pods."""
    scope = Scope(platform.name, environment, target.name, platform.namespace_of(environment))
    return DeliveryDriver(
        scope,
        target.cluster,
        journal,
        holder=f"{socket.gethostname()}/{os.getpid()}",
        makes_secrets=target.images is not None,
        allow_delete=allow_delete,
        validates=True,
        measure=judge.of(scope) if judge else None,
    )


def compiler_for(
    environment: str,
    target: Target,
    repository: GitRepository,
    journal: JournalPlace,
    clock: Callable[[], Instant],
) -> Compile:
    """What makes a bundle of a commit's files: load, refuse what is quarantined and does not run
    already, build what is missing, compile what the commit touches, audit."""
    cache, readings = Compilations(), Readings()

    def compile_(files: Mapping[str, str]) -> Bundle:
        platform = load_platform(files)
        subject = f"{platform.name}/{environment}@{target.name}"
        refuse_newly_quarantined(platform, environment, subject, journal)
        if target.images is not None:
            build_missing(platform, environment, repository, target.images)
        renderer = renderer_of_files(files, repository)
        local = target.images is not None
        bundle = compiled(platform, environment, renderer, local=local, cache=cache)
        refuse_findings(bundle, files, clock(), readings)
        return bundle

    return compile_


def refuse_findings(
    bundle: Bundle, files: Mapping[str, str], now: Instant, readings: Readings | None = None
) -> None:
    """Raises the findings of severity error that nobody has waived."""
    waivers = load_waivers(files.get("waivers.yaml", ""))
    found = check(bundle.manifests, around=surroundings_of(files, now), readings=readings)
    standing = judge(found, waivers, now).standing
    problems = [item.as_problem() for item in standing if item.severity == Severity.ERROR]
    if problems:
        raise KibanError(problems)


def chosen_environments(platform: Platform, wanted: Sequence[str]) -> list[str]:
    """The environments that are named, or the first one. Raises for one that is not there."""
    names = list(wanted) or [next(iter(platform.environments))]
    for name in names:
        platform.environment(name)
    return names
