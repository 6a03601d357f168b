"""What a calibration takes from the gateway's counters, and whom it is for."""

from pathlib import Path

import pytest

from kiban.adapters.gateway import PortStatistics
from kiban.primitives.problems import KibanError
from kiban.rehearsal.recordings import Recording
from kiban.wiring.calibrating import STEPS, check_example, measured_between, sent_to

EXAMPLE = Path(__file__).parents[2] / "examples" / "arcade"


def counted(requests: int) -> PortStatistics:
    """Requests that all took between 2 and 3 ms."""
    return PortStatistics(requests, latency_buckets={2.0: 0, 3.0: requests, 5.0: requests})


def test_only_the_environment_that_is_loaded_is_measured() -> None:
    before = {"dev/web/80": counted(0), "stg/web/80": counted(0)}
    after = {"dev/web/80": counted(200), "stg/web/80": counted(500)}
    found = measured_between("dev", before, after, 10.0)
    assert found.keys() == {"web"}
    assert found["web"]["requests"] == 20.0
    assert found["web"]["p50"] == pytest.approx(0.0025)
    assert found["web"]["p99"] == pytest.approx(0.00299)


def test_a_percentile_of_few_requests_is_none() -> None:
    before = {"dev/web/80": counted(0), "dev/auth/80": counted(7)}
    after = {"dev/web/80": counted(30), "dev/auth/80": counted(7)}
    found = measured_between("dev", before, after, 10.0)
    assert found["web"].keys() == {"requests", "latency", "p50"}
    # That nobody asked it is known, too.
    assert found["auth"] == {"requests": 0.0}


def test_what_the_page_does_not_get_goes_to_the_stamps() -> None:
    web = Recording((10.0, 20.0), {"requests": (10.0, 15.0)})
    assert sent_to([40.0, 60.0], {"web": web}) == {"web": [10.0, 15.0], "stamp": [30.0, 45.0]}


def test_every_request_of_every_step_asks_for_stamps_and_half_of_them_collect_one() -> None:
    for step in STEPS:
        weights = {shot.path if shot.method == "GET" else "collect": shot.weight
                   for shot in step.shots}  # fmt: skip
        assert weights["collect"] * 2 == sum(weights.values()) == 8
        assert all(weight > 0 for weight in weights.values())


def test_a_calibration_is_for_the_example_only(tmp_path: Path) -> None:
    check_example(EXAMPLE)
    (tmp_path / "platform.yaml").write_text("platform: shop\nenvironments: {dev: {}}\n")
    with pytest.raises(KibanError, match="runs on the example only"):
        check_example(tmp_path)
