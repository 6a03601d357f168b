"""Conversations of requests that are mostly right, with a cluster that works on what it is given:
no error of ours, nothing half written, and no controller that falls over an odd object.

Hypothesis picks the conversations, always the same ones, and shortens the one that finds a fault.
`python -m tests.fuzz.run` has them go on for as long as one likes.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz.asking import Talk, grown_request

SEEDS = st.integers(0, 2**32 - 1)
TURNS = st.lists(SEEDS, min_size=20, max_size=60)


@given(TURNS)
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_conversation_breaks_the_cluster(seeds: list[int]) -> None:
    talk = Talk()
    for seed in seeds:
        talk.send(grown_request(seed))
        talk.go_on(0.5)
    talk.go_on(120)
