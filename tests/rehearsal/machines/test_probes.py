import pytest

from kiban.rehearsal.machines.probes import died_of_probes, first_pass

HTTP = {"httpGet": {"path": "/", "port": 80}}


@pytest.mark.parametrize(
    ("probes", "start", "expected"),
    [
        ({}, 8.0, 0.0),
        ({"readinessProbe": {**HTTP, "periodSeconds": 5}}, 8.0, 10.0),
        ({"readinessProbe": {**HTTP, "periodSeconds": 5}}, 10.0, 10.0),
        ({"readinessProbe": {**HTTP, "periodSeconds": 5}}, 0.0, 0.0),
        ({"readinessProbe": {**HTTP, "periodSeconds": 5, "initialDelaySeconds": 7}}, 8.0, 12.0),
        ({"readinessProbe": {**HTTP, "periodSeconds": 5, "successThreshold": 3}}, 8.0, 20.0),
        # The startup probe holds the readiness probe back; then that is asked at once.
        (
            {
                "startupProbe": {**HTTP, "periodSeconds": 1},
                "readinessProbe": {**HTTP, "periodSeconds": 30},
            },
            8.2,
            9.0,
        ),
    ],
)
def test_a_container_is_ready_at_the_first_beat_at_which_it_can_answer(
    probes: dict[str, object], start: float, expected: float
) -> None:
    assert first_pass(probes, start) == expected


@pytest.mark.parametrize(
    ("probes", "start", "expected"),
    [
        ({}, None, None),
        ({"livenessProbe": {**HTTP, "periodSeconds": 10}}, 19.0, None),
        ({"livenessProbe": {**HTTP, "periodSeconds": 10}}, 21.0, (20.0, "failed liveness probe")),
        (
            {"startupProbe": {**HTTP, "periodSeconds": 1, "failureThreshold": 60}},
            None,
            (59.0, "failed startup probe"),
        ),
        # While the startup probe is patient, liveness is not asked.
        (
            {
                "startupProbe": {**HTTP, "periodSeconds": 1, "failureThreshold": 60},
                "livenessProbe": {**HTTP, "periodSeconds": 1},
            },
            30.0,
            None,
        ),
    ],
)
def test_a_container_dies_of_probes_that_give_up_before_it_can_answer(
    probes: dict[str, object], start: float | None, expected: tuple[float, str] | None
) -> None:
    assert died_of_probes(probes, start) == expected
