"""What comes from outside: peaks and curves, recordings, surges, noise."""

import numpy as np
import pytest

from kiban.primitives.chance import Chance
from kiban.rehearsal.scenarios import chosen, load_plan, models_for
from kiban.rehearsal.traffic import Load, LoadPlan, Models, ServiceTraits
from kiban.rehearsal.traffic.shapes import HOUR, Constant, Daily, Replay, Surge

SERVICES = {
    "steady": ServiceTraits("steady", peak=10.0, shape="constant"),
    "usual": ServiceTraits("usual", peak=100.0),
}
ORDER = ("steady", "unknown", "usual")


def load(plan: LoadPlan, noise: float = 0.0, seed: int = 1) -> Load:
    return Load(Models(SERVICES, noise=noise), ORDER, plan, Chance(seed))


def test_each_service_follows_its_own_curve() -> None:
    made = load(LoadPlan(Daily(), {"constant": Constant()}))
    assert made.at(20 * HOUR) == pytest.approx([10.0, 0.0, 100.0])
    assert made.at(4 * HOUR) == pytest.approx([10.0, 0.0, 20.0])


def test_a_recording_is_replayed_as_it_was() -> None:
    made = load(LoadPlan(Daily(), replays={"usual": Replay([0.0, 60.0], [3.0, 9.0])}), noise=0.5)
    assert [made.at(t)[2] for t in (0.0, 30.0, 60.0)] == [3.0, 6.0, 9.0]
    assert made.at(600.0)[0] != 10.0


def test_surges_multiply_those_they_are_for() -> None:
    made = load(LoadPlan(Constant()))
    made.surge(Surge(100.0, 3.0, rise=0.0, hold=50.0, fall=0.0), ["usual"])
    made.surge(Surge(120.0, 2.0, rise=0.0, hold=50.0, fall=0.0))
    assert made.at(110.0) == pytest.approx([10.0, 0.0, 300.0])
    assert made.at(130.0) == pytest.approx([20.0, 0.0, 600.0])
    assert made.at(200.0) == pytest.approx([10.0, 0.0, 100.0])


def test_a_closed_platform_is_asked_for_nothing() -> None:
    made = load(LoadPlan(Constant()))
    made.is_open = False
    assert not made.at(10.0).any()


def test_noise_wanders_around_the_curve_and_is_never_negative() -> None:
    made = load(LoadPlan(Constant()), noise=0.2)
    found = np.array([made.at(minute * 60.0)[2] for minute in range(4000)])
    assert found.mean() == pytest.approx(100.0, rel=0.05)
    assert found.std() == pytest.approx(20.0, rel=0.25)
    assert found.min() >= 0.0
    # What one minute is, most of the next one is.
    assert np.corrcoef(found[:-1], found[1:])[0, 1] > 0.8


def test_scenarios_set_the_curve_and_the_peak() -> None:
    peak = chosen(["peak"])
    models = models_for(peak, Models(SERVICES))
    assert models.services["usual"].peak == pytest.approx(133.0)
    curve = load_plan(peak).curve
    # The rehearsal begins at seven in the evening.
    assert curve.at(0.0) == pytest.approx(Daily().at(19 * HOUR))
