"""What holds of any platform under any load: nothing is lost without a cause, nothing is negative,
and however the model takes a span, it comes to the same."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rehearsal.traffic.fleets import Town

from kiban.rehearsal.traffic import CallModel, DependencyModel, ServiceTraits
from kiban.rehearsal.traffic.losses import CAUSES
from kiban.rehearsal.traffic.shapes import Step

NAMES = ("a", "b", "c", "d", "e")
EXAMPLES = settings(max_examples=15, deadline=None, derandomize=True)


@st.composite
def platforms(draw: st.DrawFn, *, harmless: bool = False) -> tuple[ServiceTraits, ...]:
    """Services that call those after them, and the database."""
    found = []
    for number, name in enumerate(NAMES):
        targets = draw(st.sets(st.sampled_from((*NAMES[number + 1 :], "db"))))
        calls = tuple(
            CallModel(
                target,
                times=draw(st.sampled_from((0.3, 1.0, 2.0))),
                retries=draw(st.integers(0, 2)),
                optional=draw(st.booleans()),
                timeout=None if harmless else draw(st.sampled_from((None, 0.05, 1.0))),
            )
            for target in sorted(targets)
        )
        found.append(
            ServiceTraits(
                name,
                peak=draw(st.sampled_from((0.0, 5.0, 60.0) if harmless else (0.0, 60.0, 900.0))),
                time=draw(st.sampled_from((0.001, 0.02, 0.2))),
                variation=draw(st.sampled_from((0.5, 1.0, 3.0))),
                cpu=draw(st.sampled_from((0.0001, 0.002))),
                workers=draw(st.sampled_from((4, 64) if not harmless else (400,))),
                cores=draw(st.sampled_from((0.5, 4.0) if not harmless else (4.0,))),
                timeout=60.0 if harmless else draw(st.sampled_from((1.0, 10.0))),
                backlog=0 if harmless else draw(st.sampled_from((0, 20))),
                client_retries=draw(st.integers(0, 2)),
                balancing=draw(st.sampled_from(("random", "least"))),
                parallel=False if harmless else draw(st.booleans()),
                calls=calls,
            )
        )
    return tuple(found)


DB = {"db": DependencyModel("db")}


@EXAMPLES
@given(platforms(), st.integers(0, 4), st.sampled_from((1.0, 7.0, 15.0)), st.booleans())
def test_what_comes_is_served_waits_or_is_lost_by_a_known_cause(
    services: tuple[ServiceTraits, ...], pods: int, step: float, broken: bool
) -> None:
    made = Town(*services, pods=pods, dependencies=DB, curve=Step(60.0, 1.0, 0.3), noise=0.1)
    if broken:
        made.traffic.disturbances.break_down("db", 0.5)
    for _ in range(8):
        before = made.traffic._queues.waiting.copy()
        flow = made.run(step, step=step)
        figures = [*flow.vectors().values(), flow.cpu, flow.memory, flow.in_flight, flow.variance]
        assert all(np.isfinite(one).all() and (one >= 0).all() for one in figures)
        assert set(flow.failed) <= set(CAUSES)
        assert (flow.failures() <= flow.arrivals * (1 + 1e-9) + before / step + 1e-6).all()
        reached = flow.arrivals - sum(
            (
                flow.failed[cause]
                for cause in ("refused", "silent", "terminating", "unready")
                if cause in flow.failed
            ),
            np.zeros(5),
        )
        gone = (before - flow.waiting) / step + reached - flow.served
        overload = flow.failed.get("overload", np.zeros(5))
        # Served and dropped are what came less what waits; who is dropped may have come before. A
        # queue that comes to rest is taken at its mean, which is off by a little.
        assert (gone >= -1e-3 * (1 + flow.arrivals)).all()
        assert (overload <= np.maximum(gone, 0) + 1e-3 * (1 + flow.arrivals)).all()
        assert (flow.cpu <= [one.cores + 1e-9 for one in services]).all()


@EXAMPLES
@given(platforms(harmless=True), st.integers(1, 4))
def test_all_ways_through_the_graph_come_to_the_same(
    services: tuple[ServiceTraits, ...], pods: int
) -> None:
    services = tuple(replace(one, peak=min(one.peak, 5.0)) for one in services)
    at_once, walking = (Town(*services, pods=pods, dependencies=DB, noise=0.1) for _ in range(2))
    walking.traffic._closure.is_usable = False
    walking.traffic._adds_up = False
    for _ in range(6):
        one, other = at_once.run(15), walking.run(15)
        assert one.arrivals == pytest.approx(other.arrivals, rel=1e-9)
        assert one.mean == pytest.approx(other.mean, rel=1e-6, abs=1e-12)
        assert one.variance == pytest.approx(other.variance, rel=1e-6, abs=1e-15)
        assert one.failures().sum() == other.failures().sum() == 0


@EXAMPLES
@given(platforms(), st.integers(1, 3))
def test_the_same_dice_give_the_same_bits(services: tuple[ServiceTraits, ...], pods: int) -> None:
    one, other = (
        Town(*services, pods=pods, dependencies=DB, noise=0.2, seed=9).run(120) for _ in range(2)
    )
    for figure, values in one.vectors().items():
        assert values.tobytes() == other.vectors()[figure].tobytes()
