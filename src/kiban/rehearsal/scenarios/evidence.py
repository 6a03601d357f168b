"""What is left of a rehearsal when its clock has stopped: plain values that judges look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kiban.kube.objects import HORIZONTAL_POD_AUTOSCALER, POD_DISRUPTION_BUDGET, get_in
from kiban.rehearsal.cloud import Costs
from kiban.rehearsal.naming import service_of
from kiban.rehearsal.observations import Record
from kiban.rehearsal.scenarios.scenario import Scenario
from kiban.rehearsal.scenarios.stage import Stage
from kiban.rehearsal.scenarios.watching import Wait
from kiban.rehearsal.series import Series
from kiban.rehearsal.traffic import ExternalMetric, Objective


@dataclass(frozen=True, slots=True)
class Account:
    """One service's requests over the whole rehearsal. `slow` is the share of the answers that
    took longer than an objective, by percentile; `losses` counts by cause."""

    requests: float
    failed: float
    objective: Objective | None = None
    slow: Mapping[str, float] = field(default_factory=dict)
    losses: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodeUpgrade:
    """How the upgrade of a node group went."""

    group: str
    phase: str
    error: str = ""
    blocked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Times are seconds since the start. By service: `limits` are the largest sizes that an
    autoscaler allows, `budgets` the disruption budgets as people say them; by subnet: `addresses`
    are the fewest that were free, and when. Somebody waits for those `called`, and those `fed`
    take messages from a queue."""

    scenario: Scenario
    accounts: Mapping[str, Account]
    records: Sequence[Record]
    series: Series
    waits: Sequence[Wait] = ()
    jobs: Sequence[tuple[float, str]] = ()
    costs: Costs | None = None
    upgrades: Sequence[NodeUpgrade] = ()
    metrics: Mapping[str, ExternalMetric] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    budgets: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    called: frozenset[str] = frozenset()
    fed: frozenset[str] = frozenset()

    def of(self, *what: str) -> list[Record]:
        """The records of these kinds since the start."""
        return [one for one in self.records if one["what"] in what and one["t"] >= 0]

    def clock(self, seconds: float) -> str:
        """The time of day of a moment."""
        minutes = int((self.scenario.begin + seconds) // 60) % 1440
        return f"{minutes // 60:02}:{minutes % 60:02}"

    def curve(self, figure: str, service: str) -> list[tuple[float, float]]:
        """A figure of a service over time."""
        times = self.series.times(figure)
        if not times or service not in self.series.services:
            return []
        return list(zip(times, self.series.values(figure, service), strict=True))


def evidence_of(scenario: Scenario, stage: Stage) -> Evidence:
    """What a stage holds after its world has run."""
    world = stage.world
    costs = None
    if stage.cloud is not None:
        costs = stage.cloud.costs(world.settings.start, world.now)
    return Evidence(
        scenario=scenario,
        accounts={name: _account(stage, name) for name in stage.traffic.order},
        records=world.observations.records,
        series=world.series,
        waits=stage.watch.waits(),
        jobs=[job for job in stage.watch.jobs if job[0] >= 0],
        costs=costs,
        upgrades=_upgrades(stage),
        metrics=stage.models.metrics,
        limits=_limits(stage),
        budgets=_budgets(stage),
        addresses=stage.watch.fewest,
        called=_called(stage, queued=False),
        fed=_called(stage, queued=True),
    )


def _called(stage: Stage, *, queued: bool) -> frozenset[str]:
    services = stage.models.services.values()
    return frozenset(call.to for one in services for call in one.calls if call.queued is queued)


def _account(stage: Stage, name: str) -> Account:
    ledger, number = stage.traffic.ledger, stage.traffic.order.index(name)
    objective = ledger.objectives.get(name)
    slow = {
        percentile: share
        for percentile in sorted(objective.latency if objective is not None else ())
        if (share := ledger.slow_share(name, percentile)) is not None
    }
    losses = {
        cause: count
        for (service, cause), count in stage.traffic.losses.by_service().items()
        if service == name
    }
    requests, failed = float(ledger.requests[number]), float(ledger.failed[number])
    return Account(requests, failed, objective, slow, losses)


def _upgrades(stage: Stage) -> list[NodeUpgrade]:
    if stage.cloud is None:
        return []
    return [
        NodeUpgrade(group, upgrade.phase, upgrade.error, upgrade.blocked)
        for group, upgrade in sorted(stage.cloud.upgrades.items())
    ]


def _limits(stage: Stage) -> dict[str, int]:
    api, space = stage.world.api, stage.world.source.namespace
    return {
        service_of(one) or one["spec"]["scaleTargetRef"]["name"]: int(one["spec"]["maxReplicas"])
        for one in api.list(HORIZONTAL_POD_AUTOSCALER, space)
    }


def _budgets(stage: Stage) -> dict[str, str]:
    """What each budget allows, in its own words."""
    api, space = stage.world.api, stage.world.source.namespace
    found = {}
    for one in api.list(POD_DISRUPTION_BUDGET, space):
        service = service_of(one) or next(
            iter(get_in(one, "spec", "selector", "matchLabels", default={}).values()), ""
        )
        words = [
            f"{field} {one['spec'][field]}"
            for field in ("minAvailable", "maxUnavailable")
            if field in one["spec"]
        ]
        found[service] = f"{one['metadata']['name']} ({', '.join(words)})"
    return found
