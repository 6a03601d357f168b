"""Placeholders of ours are filled in, those of others stay, and what means nothing is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.primitives.problems import KibanError
from kiban.spec import load_platform
from kiban.spec.interpolation import WORDS, escaped, faults, filled

PARTS = st.sampled_from(
    ["$", "$$", "{", "}", "${", "$${", "a", ".", "x y", "resources", "main", "url", "HOME", *WORDS]
)
TEXTS = st.lists(PARTS, max_size=8).map("".join)


@given(TEXTS)
def test_an_escaped_text_stands_for_itself(text: str) -> None:
    safe = escaped(text)
    assert list(faults(safe, {})) == []
    assert filled(safe, lambda one: "X") == text


@given(TEXTS)
def test_what_is_no_placeholder_of_ours_stays(text: str) -> None:
    theirs = text.replace("${", "$(")
    assert filled(theirs, lambda one: "X") == theirs == escaped(theirs)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a-${environment}-b", "a-<environment>-b"),
        ("${resources.main.url}/x", "<resources.main.url>/x"),
        ("${HOME} and ${server.port}", "${HOME} and ${server.port}"),
        ("$${environment}", "${environment}"),
        ("$(environment) ${}", "$(environment) ${}"),
    ],
)
def test_only_words_of_ours_are_filled_in(text: str, wanted: str) -> None:
    assert filled(text, lambda one: f"<{one}>") == wanted


def refused(said: str) -> list[str]:
    files = {
        "platform.yaml": "platform: shop\nenvironments: {dev: {}}\nresources: {main: postgres}\n",
        "services/stamp.yaml": "image: r/s\nport: 80\nuses: {main: resource, jobs: service}\n"
        + said,
        "services/jobs.yaml": "image: r/j\n",
    }
    with pytest.raises(KibanError) as error:
        load_platform(files)
    assert all(one.place.line == 4 and one.place.column > 1 for one in error.value.problems)
    return [str(one) for one in error.value.problems]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("${resources.mian.url}", "did you mean 'main'"),
        ("${resources.main.uri}", "it tells url, host, port"),
        ("${resources.main}", "tells no ''"),
        ("${resource.main.url}", "did you mean `resources`"),
        ("${services.jobs.url}", "it tells nothing"),
        ("${services.main.url}", "there is no service 'main'"),
    ],
)
def test_what_means_nothing_is_told_with_its_place(text: str, why: str) -> None:
    [told] = refused(f"env: {{A: '{text}'}}\n")
    assert why in told


def test_a_file_holds_no_secret() -> None:
    [told] = refused("files: {/a: {content: '${resources.main.password}', expand: true}}\n")
    assert "Secret" in told


@pytest.mark.parametrize("where", ["sidecars: {a: {image: x, ", "init: {a: {command: x, "])
def test_companions_are_looked_at_too(where: str) -> None:
    [told] = refused(f"{where}env: {{A: '${{services.main.url}}'}}}}}}\n")
    assert "no service 'main'" in told
