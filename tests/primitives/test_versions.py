"""Semantic versions and ranges of them."""

import pytest

from kiban.primitives.versions import parse_range, parse_version


def test_versions_have_the_precedence_of_the_specification() -> None:
    """The example of semver.org, section 11."""
    texts = [
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
        "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "2.0.0", "2.1.0", "v2.1.1", "10.0.0",
    ]  # fmt: skip
    found = [parse_version(text) for text in texts]

    assert None not in found
    assert sorted(found, key=lambda one: one.rank if one else ()) == found
    assert parse_version("1.2.3+a") == parse_version("1.2.3+b")


@pytest.mark.parametrize("text", ["1.2", "latest", "1.2.3.4", "", "v", "1.2.3-"])
def test_what_is_no_version_is_none(text: str) -> None:
    assert parse_version(text) is None


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("^1.4", "1.4.0 1.99.0", "1.3.9 2.0.0 1.5.0-rc.1"),
        ("^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("~1.4.2", "1.4.2 1.4.9", "1.5.0 1.4.1"),
        ("~1", "1.0.0 1.9.9", "2.0.0"),
        ("1.x", "1.0.0 1.9.0", "2.0.0 0.9.0"),
        ("1.4", "1.4.0 1.4.7", "1.5.0"),
        ("=1.4.2", "1.4.2", "1.4.3"),
        (">=2 <3", "2.0.0 2.9.9", "1.9.9 3.0.0 3.0.0-rc.1"),
        (">1.2.3", "1.2.4 2.0.0", "1.2.3"),
        (">1.2", "1.3.0", "1.2.9"),
        ("<=1.2.3", "1.2.3 0.1.0", "1.2.4"),
        ("<=1.2", "1.2.9", "1.3.0"),
        ("<2.0.0", "1.9.9", "2.0.0 2.0.0-rc.1"),
        (">=1.0.0-rc.1 <1.0.0", "1.0.0-rc.1 1.0.0-rc.2", "1.0.0-beta 1.0.0"),
        ("^1 || ^3", "1.1.0 3.1.0", "2.1.0"),
        ("*", "0.0.1 9.9.9", "1.0.0-rc.1"),
    ],
)
def test_a_range_holds_what_people_mean(text: str, inside: str, outside: str) -> None:
    holds = parse_range(text)

    for one in inside.split():
        version = parse_version(one)
        assert version is not None and holds(version), one
    for one in outside.split():
        version = parse_version(one)
        assert version is not None and not holds(version), one


@pytest.mark.parametrize("text", ["", "newest", "1.2.3.4", ">>1", "^"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"range of versions"):
        parse_range(text)
