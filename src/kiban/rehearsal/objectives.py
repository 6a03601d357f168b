"""What is asked of services: their objectives, or the usual ones where nobody says any.

A platform without a single `slo` would leave most expectations open; so those services that are
asked from outside are held to what most people ask of theirs, and the report says so.
"""

from collections.abc import Mapping
from dataclasses import replace

from kiban.rehearsal.results import Assumption
from kiban.rehearsal.traffic import Objective, ServiceTraits
from kiban.spec import ServiceSpec

USUAL_AVAILABILITY = 0.999
USUAL_LATENCY: Mapping[str, float] = {"p99": 1.0}
_WHY = "assumed: usual, for no service says an `slo`"


def objectives_of(
    specs: Mapping[str, ServiceSpec], services: Mapping[str, ServiceTraits]
) -> tuple[dict[str, Objective], list[Assumption]]:
    """The objectives by service, and what of them is assumed."""
    said = {name: one for name in services if (one := _said(specs[name])) is not None}
    entries = [name for name, traits in services.items() if traits.peak > 0]
    listed: list[Assumption] = []
    if not any(one.availability is not None for one in said.values()):
        for name in entries:
            said[name] = replace(said.get(name, Objective()), availability=USUAL_AVAILABILITY)
            listed.append(Assumption(name, "availability", f"{USUAL_AVAILABILITY:.1%}", _WHY))
    if not any(one.latency for one in said.values()):
        for name in entries:
            said[name] = replace(said.get(name, Objective()), latency=USUAL_LATENCY)
            listed.append(Assumption(name, "latency", "p99 within 1 s", _WHY))
    return dict(sorted(said.items())), listed


def _said(spec: ServiceSpec) -> Objective | None:
    """The service level objectives of a spec as shares and seconds."""
    if spec.slo is None:
        return None
    share = spec.slo.availability
    latency = spec.slo.latency.model_dump(exclude_none=True) if spec.slo.latency else {}
    return Objective(None if share is None else round(share / 100, 9), latency)
