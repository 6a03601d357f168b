"""What machines cost: by the second, a minute at least; and the control plane."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kiban.primitives.instants import MICROSECONDS, Instant, later
from kiban.rehearsal.cloud.estate import CloudMachine

LEAST_SECONDS = 60.0
HOUR = 3600 * MICROSECONDS


@dataclass(frozen=True, slots=True)
class Costs:
    """Dollars of a span. `by_hour` counts from its start; all but `control_plane` is machines."""

    spot: float = 0.0
    on_demand: float = 0.0
    control_plane: float = 0.0
    # What spot machines would have cost on demand, less what they did cost.
    saved_by_spot: float = 0.0
    by_group: dict[str, float] = field(default_factory=dict)
    by_hour: tuple[float, ...] = ()

    @property
    def total(self) -> float:
        return self.spot + self.on_demand + self.control_plane


def costs(
    machines: Iterable[CloudMachine],
    since: Instant,
    until: Instant,
    control_plane: float,
    spot_share: float,
) -> Costs:
    """What was spent between two instants."""
    hours = max(-(-(until - since) // HOUR), 0)
    by_hour = [0.0] * hours
    by_group: dict[str, float] = {}
    spot = on_demand = saved = 0.0
    for machine in machines:
        begin, end = _paid(machine, since, until)
        if end <= begin:
            continue
        dollars = _spread(by_hour, machine.price, begin - since, end - since)
        by_group[machine.group] = by_group.get(machine.group, 0.0) + dollars
        if machine.is_spot:
            spot += dollars
            saved += dollars / spot_share - dollars if spot_share else 0.0
        else:
            on_demand += dollars
    plane = _spread(by_hour, control_plane, 0, max(until - since, 0))
    return Costs(
        round(spot, 6),
        round(on_demand, 6),
        round(plane, 6),
        round(saved, 6),
        {group: round(by_group[group], 6) for group in sorted(by_group)},
        tuple(round(value, 6) for value in by_hour),
    )


def _paid(machine: CloudMachine, since: Instant, until: Instant) -> tuple[Instant, Instant]:
    end = until
    if machine.ended_at is not None:
        end = min(until, max(machine.ended_at, later(machine.launched_at, LEAST_SECONDS)))
    return max(machine.launched_at, since), end


def _spread(by_hour: list[float], price: float, begin: int, end: int) -> float:
    """Count a price over the hours that a span touches; the sum."""
    total = 0.0
    at = begin
    while at < end:
        hour = at // HOUR
        stop = min(end, (hour + 1) * HOUR)
        dollars = price * (stop - at) / HOUR
        by_hour[hour] += dollars
        total += dollars
        at = stop
    return total
