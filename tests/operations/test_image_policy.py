"""Which tag comes next."""

from kiban.operations.image_policy import Known, choice
from kiban.primitives.instants import Instant
from kiban.spec.gates import ImagePolicy

TAGS = ["v1.4.0", "v1.5.0", "v1.10.0", "v2.0.0", "v1.11.0-rc.1", "latest", "main-9", "main-10"]
RANGE = ImagePolicy(semver="^1.4")
NUMBER = ImagePolicy(pattern=r"main-(\d+)")


def chosen(policy: ImagePolicy, current: str, *barred: str, tags: list[str] = TAGS) -> str:
    return choice(policy, Known(tags, current, barred))


def test_the_highest_version_of_a_range_is_taken() -> None:
    assert chosen(RANGE, "v1.4.0") == "v1.10.0"
    assert chosen(RANGE, "v1.10.0") == ""
    assert chosen(RANGE, "v1.10.0@sha256:abc") == ""


def test_the_newest_of_a_pattern_is_taken_by_number_or_by_text() -> None:
    assert chosen(NUMBER, "main-9") == "main-10"
    by_text = ImagePolicy(pattern=r"main-\d+", order="text")
    assert chosen(by_text, "main-1") == "main-9"


def test_the_newest_by_the_time_it_was_made_is_taken() -> None:
    policy = ImagePolicy(pattern="main-.*", order="created")
    created = {"main-9": Instant(2), "main-10": Instant(1)}

    assert choice(policy, Known(TAGS, "main-10", created=created)) == "main-9"
    assert choice(policy, Known(TAGS, "main-9", created=created)) == ""


def test_a_policy_never_goes_back() -> None:
    assert chosen(RANGE, "v1.12.0") == ""
    assert chosen(NUMBER, "main-11") == ""


def test_what_a_policy_does_not_know_gives_way() -> None:
    assert chosen(RANGE, "3f2c1a9") == "v1.10.0"


def test_what_is_barred_does_not_come_again_and_something_newer_does() -> None:
    assert chosen(RANGE, "v1.5.0", "v1.10.0") == ""
    assert chosen(RANGE, "v1.5.0", "v1.10.0", tags=[*TAGS, "v1.10.1"]) == "v1.10.1"


def test_an_empty_registry_changes_nothing() -> None:
    assert chosen(RANGE, "v1.4.0", tags=[]) == ""
