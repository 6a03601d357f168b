"""What gates, sources of figures and promotion can get wrong in platform.yaml."""

import re
from collections.abc import Iterator

from kiban.primitives.located import Located
from kiban.primitives.problems import Problem
from kiban.primitives.versions import parse_range
from kiban.spec.gates import BEFORE, GATEWAY, MetricGate
from kiban.spec.nouns import PlatformSpec
from kiban.spec.platform import Sources
from kiban.spec.references import unless_known
from kiban.spec.service import ServiceSpec


def check_gates(spec: PlatformSpec, sources: Sources) -> Iterator[Problem]:
    """Every gate of every environment, what it asks, and how releases arrive there."""
    tree = sources.platform
    for name, source in spec.metrics.items():
        if source.type == "prometheus" and source.url is None:
            place = tree.nearest(("metrics", name)).key_place()
            yield Problem("spec/missing-field", f"the source {name} needs `url`", place)
    for name, environment in spec.environments.items():
        node = tree.nearest(("environments", name, "promotion"))
        if environment.promotion != "manual" and environment.after is None:
            what = f"{name} is promoted by itself, but does not say `after` which environment"
            yield Problem("spec/promotion", what, node.place(), fix="add `after: ...`")
        if environment.promotion == "automatic" and environment.manual:
            what = f"{name} is promoted automatically and only by a person"
            yield Problem("spec/promotion", what, node.place(), fix="remove `manual` or this")
        for key, gate in environment.gates.items():
            at = tree.nearest(("environments", name, "gates", key))
            yield from _check_gate(spec, sources, gate, at)


def _check_gate(
    spec: PlatformSpec, sources: Sources, gate: MetricGate, at: Located
) -> Iterator[Problem]:
    for fault, fix in _faults(gate):
        yield Problem("spec/gate", f"the gate {fault}", at.key_place(), fix=fix)
    if gate.source != GATEWAY:
        place = at.nearest(("source",)).place()
        yield from unless_known("source", gate.source, spec.metrics, place)
    if gate.baseline not in (None, BEFORE):
        assert gate.baseline is not None
        place = at.nearest(("baseline",)).place()
        yield from unless_known("environment", gate.baseline, spec.environments, place)
    for index, service in enumerate(gate.services):
        place = at.nearest(("services", index)).place()
        yield from unless_known("service", service, sources.services, place)


def policy_faults(service: ServiceSpec) -> Iterator[str]:
    """Why a service cannot follow its registry."""
    policy = service.images
    if policy is None:
        return
    if service.image is None:
        yield "needs an `image` that says where the registry is"
    if (policy.semver is None) == (policy.pattern is None):
        yield "must say one of `semver` and `pattern`"
    try:
        if policy.semver is not None:
            parse_range(policy.semver)
        re.compile(policy.pattern or "")
    except (ValueError, re.error) as error:
        yield f"cannot be read: {error}"


def _faults(gate: MetricGate) -> Iterator[tuple[str, str]]:
    """What does not go together, and how to mend it."""
    said = [gate.indicator is not None, gate.query is not None, gate.slo]
    if said.count(True) != 1:
        yield "must say one of `indicator`, `query` and `slo`", "add one, or remove the others"
    if gate.query is not None and gate.source == GATEWAY:
        yield "has a query that the gateway cannot answer", "name a `source` of `metrics`"
    if gate.query is None and gate.source != GATEWAY:
        yield f"asks {gate.source}, which needs a `query`", "add one, or remove `source`"
    bounds = (gate.at_most, gate.at_least, gate.baseline)
    needs_none = gate.slo or gate.indicator == "rollout"
    if not needs_none and all(bound is None for bound in bounds):
        yield "never fails", "add `atMost`, `atLeast` or `baseline`"
    if gate.slo and any(bound is not None for bound in bounds[:2]):
        yield "has a bound beside the service's own objectives", "remove one of them"
