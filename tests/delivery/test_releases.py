"""The one line that CI edits, and the way back."""

import pytest

from kiban.delivery.releases import (
    last_good,
    left_behind,
    released,
    same_image,
    tag_of,
    taken_back,
    with_release,
)
from kiban.plans.records import Entry, Event
from kiban.primitives.instants import Instant
from kiban.primitives.problems import KibanError

TEXT = "# dev\nweb: v1  # frozen until May\n'stamp': \"1.10\"\nuser:\n"


def test_one_value_changes_and_every_comment_stays() -> None:
    assert with_release(TEXT, "web", "v2") == TEXT.replace("v1", "v2")
    assert with_release(TEXT, "stamp", "1.20") == TEXT.replace("1.10", "1.20")
    assert with_release(TEXT, "user", "v1").endswith("user: v1\n")


def test_a_new_service_gets_a_line_and_a_number_stays_text() -> None:
    assert with_release("web: v1", "stamp", "1.10") == 'web: v1\nstamp: "1.10"\n'
    assert released('web: v1\nstamp: "1.10"\n') == {"web": "v1", "stamp": "1.10"}


def test_what_is_read_back_is_what_was_written() -> None:
    for tag in (
        "v1",
        "1e3",
        "007",
        "y",
        "null",
        "2026.11.21",
        "sha256:" + "a" * 64,
        "v1@sha256:" + "a" * 64,
    ):
        assert released(with_release(TEXT, "web", tag))["web"] == tag


def test_what_is_no_tag_is_refused() -> None:
    for tag in ("", "a b", "v1\nstamp: evil", "-x", "x" * 129):
        with pytest.raises(KibanError, match="not an image tag"):
            with_release(TEXT, "web", tag)


def test_a_file_of_another_shape_is_left_alone() -> None:
    with pytest.raises(KibanError, match="one line a service"):
        with_release("{web: v1}\n", "web", "v2")


def delivered(number: int, tag: str) -> Entry:
    images = {"stamp": f"registry.example:5000/stamp:{tag}"}
    event = Event("delivery/delivered", "arcade/dev@local", "", data={"images": images})
    return Entry(number, Instant(number), event)


def test_the_way_back_is_the_last_other_tag_that_ran_in_full() -> None:
    entries = [delivered(1, "v1"), delivered(2, "v2"), delivered(3, "v3"), delivered(4, "v3")]
    assert last_good("stamp", "v3", entries) == "v2"
    # The bad v4 never ran in full: v3 did.
    assert last_good("stamp", "v4", entries) == "v3"
    with pytest.raises(KibanError, match="No earlier release"):
        last_good("stamp", "v1", entries[:1])


def test_the_tag_of_an_image_is_what_follows_its_last_name() -> None:
    assert tag_of("registry:5000/a/stamp:v1") == "v1"
    assert tag_of("registry:5000/stamp") == ""
    assert tag_of("stamp@sha256:abc") == "sha256:abc"


def versions(*tags: str) -> list[str]:
    return [f"web: {tag}\n" for tag in tags]


@pytest.mark.parametrize(
    ("tags", "left", "back"),
    [
        (["v1"], "", ""),
        (["v1", "v2", "v3"], "v1 v2", ""),
        (["v1", "v2", "v1"], "v2", "v2"),
        (["v1", "v2", "v1", "v3"], "v1 v2", "v2"),
        (["v1", "v2", "v1", "v2"], "v1", ""),
        (["v1", "v2", "v1", "v2", "v3"], "v1 v2", ""),
        (["v1", "v1", "v2", "v2"], "v1", ""),
    ],
)
def test_a_file_remembers_what_it_left_and_what_it_took_back(
    tags: list[str], left: str, back: str
) -> None:
    assert left_behind(versions(*tags))["web"] == frozenset(left.split())
    assert taken_back(versions(*tags))["web"] == frozenset(back.split())


A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("v1", "v1", True),
        ("v1", "v2", False),
        ("v1", f"v1@{A}", True),
        (f"v1@{A}", f"v1@{B}", False),
        (f"v1@{A}", f"v2@{A}", True),
        (A, f"v2@{A}", True),
        (A, "v2", False),
        ("", "", False),
    ],
)
def test_two_releases_may_mean_one_image(one: str, other: str, same: bool) -> None:
    assert same_image(one, other) is same
    assert same_image(other, one) is same
