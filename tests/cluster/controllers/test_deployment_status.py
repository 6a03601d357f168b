"""When a rollout is looked at again because of its deadline."""

import pytest

from kiban.cluster.controllers.deployment.status import LAST_LOOK_SECONDS, deadline_check
from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant, later, rfc3339

BEGAN = Instant(1_800_000_000_000_000)


def rollout(reason: str = "ReplicaSetUpdated") -> Manifest:
    moved = {"type": "Progressing", "status": "True", "reason": reason}
    return {
        "metadata": {"name": "web", "generation": 1},
        "spec": {"replicas": 2, "progressDeadlineSeconds": 10},
        "status": {"conditions": [{**moved, "lastUpdateTime": rfc3339(BEGAN)}]},
    }


@pytest.mark.parametrize(("passed", "left"), [(0, 11.0), (4, 7.0), (9, 2.0)])
def test_a_rollout_is_looked_at_a_second_after_its_deadline(passed: float, left: float) -> None:
    assert deadline_check(rollout(), {}, later(BEGAN, passed)) == pytest.approx(left)


def test_who_looks_in_the_last_second_looks_again_right_after_it() -> None:
    left = deadline_check(rollout(), {}, later(BEGAN, 9.5))
    assert left == pytest.approx(0.5 + LAST_LOOK_SECONDS)


@pytest.mark.parametrize("reason", ["NewReplicaSetAvailable", "ProgressDeadlineExceeded"])
def test_nothing_is_to_be_looked_at_when_a_rollout_is_over(reason: str) -> None:
    assert deadline_check(rollout(reason), {}, BEGAN) is None
