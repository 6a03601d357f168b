"""One rehearsal of one platform repo from its files to its findings, for one seed.

A case is plain text and names, so that it can be sent to another process; equal cases and seeds
give equal runs, whatever the machine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kiban.compiler import compile_environment
from kiban.compiler.bundle import Bundle
from kiban.primitives.chance import Chance
from kiban.primitives.instants import later
from kiban.rehearsal.assumptions import Assumptions, Measurements, assume
from kiban.rehearsal.cloud import Cloud, CloudSettings
from kiban.rehearsal.cloud.from_spec import assumed_of_cloud, cloud_settings
from kiban.rehearsal.results import Assumption, Run
from kiban.rehearsal.sampling import Sampler
from kiban.rehearsal.scenarios import (
    Scenario,
    Stage,
    chosen,
    evidence_of,
    findings,
    happenings,
    judge,
    load_plan,
    models_for,
    play,
)
from kiban.rehearsal.source import source_of
from kiban.rehearsal.traffic import Load, TrafficModel
from kiban.rehearsal.world import START, Settings, World
from kiban.spec import load_platform
from kiban.spec.nouns import Cluster

# The clock is run in so many parts, so that progress can be told between them.
PARTS = 96
# What came from outside: times in seconds, and requests a second.
Arrivals = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Case:
    """What is rehearsed: the files of a platform repo by path, an environment on a cluster (its
    first by default), and scenarios by name. `recordings` are replayed by service, `measured`
    holds calibrated parameters; `scenario` is played instead of those by name."""

    files: Mapping[str, str]
    environment: str
    scenarios: tuple[str, ...]
    cluster: str = ""
    recordings: Mapping[str, Arrivals] = field(default_factory=dict)
    measured: Measurements = field(default_factory=dict)
    scenario: Scenario | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A case that was read and found good."""

    platform: str
    bundle: Bundle
    assumptions: Assumptions
    scenario: Scenario
    cloud: CloudSettings
    # Everything that is taken for granted, of services and of the cloud.
    listed: tuple[Assumption, ...]


def prepared(case: Case) -> Prepared:
    """Raises `KibanError` with every mistake of the platform repo, or of the names."""
    platform = load_platform(case.files)
    platform.environment(case.environment)
    clusters = platform.clusters_of(case.environment)
    name = case.cluster or (clusters[0] if clusters else "")
    bundle = compile_environment(platform, case.environment, cluster=name or None)
    found = assume(platform, case.environment, case.files, case.measured)
    scenario = case.scenario or chosen(case.scenarios, found.scenarios)
    cluster = platform.spec.clusters.get(name)
    listed = (*found.listed, *assumed_of_cloud(cluster))
    cloud = cloud_settings(cluster or Cluster())
    return Prepared(platform.name, bundle, found, scenario, cloud, listed)


def rehearse_once(
    case: Case, seed: int, shown: Callable[[float], None] = lambda share: None
) -> tuple[Run, Stage]:
    """The run of one seed, and the stage it was played on. `shown` gets the share that is over."""
    ready = prepared(case)
    stage = staged(ready, seed, case.recordings)
    sampler = Sampler(stage, ready.scenario.seconds)
    play(ready.scenario, stage)
    for part in range(1, PARTS + 1):
        stage.world.run_for(ready.scenario.seconds * part / PARTS)
        shown(part / PARTS)
    return _run(ready, seed, stage, sampler), stage


def staged(ready: Prepared, seed: int, recordings: Mapping[str, Arrivals] | None = None) -> Stage:
    """The world of a case before its clock starts."""
    scenario, assumptions = ready.scenario, ready.assumptions
    settings = Settings(start=later(START, scenario.begin), services=assumptions.machines)
    models = models_for(scenario, assumptions.models)
    services = source_of(ready.bundle).services
    load = Load(models, services, load_plan(scenario, recordings), Chance(f"{seed}/traffic"))
    traffic = TrafficModel(models, services, load, settings.start, assumptions.objectives)
    cloud = Cloud(ready.cloud)
    world = World(ready.bundle, settings, seed, traffic=traffic, cloud=cloud)
    return Stage(world, traffic, cloud)


def _run(ready: Prepared, seed: int, stage: Stage, sampler: Sampler) -> Run:
    evidence = evidence_of(ready.scenario, stage)
    return Run(
        seed=seed,
        times=sampler.times,
        tracks=sampler.tracks(),
        verdicts=judge(evidence),
        findings=findings(evidence),
        happenings=happenings(evidence),
        losses=stage.traffic.losses.by_service(),
        totals=_totals(stage),
        digest=stage.world.observations.digest(),
    )


def _totals(stage: Stage) -> dict[str, float]:
    """What came to in the end, as people outside and those who pay see it."""
    traffic, records = stage.traffic, stage.world.observations.records
    models = stage.models.services
    entries = [
        number
        for number, name in enumerate(traffic.order)
        if name in models and models[name].peak > 0
    ]
    totals = {
        "requests": sum(traffic.ledger.requests[entries].tolist()),
        "failed": sum(traffic.ledger.failed[entries].tolist()),
        "pods_started": _count(records, "pod.started"),
        "nodes_launched": _count(records, "machine.launched"),
        "events": float(len(records)),
    }
    if stage.cloud is not None:
        world = stage.world
        costs = stage.cloud.costs(world.settings.start, world.now)
        totals["cost_dollars"] = costs.total
        totals["saved_by_spot_dollars"] = costs.saved_by_spot
    return totals


def _count(records: Sequence[Mapping[str, object]], what: str) -> float:
    return float(sum(record["what"] == what and float(str(record["t"])) >= 0 for record in records))
