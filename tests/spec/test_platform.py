"""Where values come from."""

import pytest

from kiban.primitives.problems import KibanError
from kiban.spec import explain, is_pinned, load_platform

FILES = {
    "platform.yaml": """\
platform: shop
teams: {core: {defaults: {drain: 10s}}}
environments:
  dev: {defaults: {scale: {max: 3}}}
  prod: {}
defaults: {team: core, scale: {max: 5}}
""",
    "services/stamp.yaml": """\
image: a
port: 80
scale: {max: 10}
environments:
  prod: {scale: {max: 40}}
""",
}


def chain(path: str, environment: str | None) -> list[tuple[str, str, object]]:
    platform = load_platform(FILES)
    return [(one.layer, one.place, one.value) for one in explain(platform, path, environment)]


def test_a_value_has_a_history_of_layers() -> None:
    assert chain("stamp.scale.max", "prod") == [
        ("platform defaults", "platform.yaml:6:37", 5),
        ("service stamp", "services/stamp.yaml:3:14", 10),
        ("service stamp in prod", "services/stamp.yaml:5:23", 40),
    ]
    assert chain("stamp.scale.max", "dev") == [
        ("platform defaults", "platform.yaml:6:37", 5),
        ("environment dev", "platform.yaml:4:33", 3),
        ("service stamp", "services/stamp.yaml:3:14", 10),
    ]


def test_the_language_itself_is_the_first_layer() -> None:
    assert chain("stamp.drain", None) == [
        ("Kiban's default", "", "15s"),
        ("team core", "platform.yaml:2:34", "10s"),
    ]
    assert chain("stamp.health.startup", "dev") == [("Kiban's default", "", "1m")]


def test_an_unknown_service_is_a_problem() -> None:
    with pytest.raises(KibanError, match="did you mean 'stamp'"):
        chain("stmap.port", None)


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("registry:5000/a", False),
        ("registry:5000/a:1", True),
        ("a@sha256:00", True),
        ("a", False),
        (None, False),
    ],
)
def test_a_registrys_port_is_no_tag(image: str | None, *, pinned: bool) -> None:
    assert is_pinned(image) is pinned


def test_a_rename_says_where_things_run() -> None:
    files = {
        "platform.yaml": "platform: shop\nenvironments:\n  prod: {formerly: live}\n",
        "services/web.yaml": "image: web\n",
    }
    with pytest.raises(KibanError, match="would run in another one") as caught:
        load_platform(files)
    assert "namespace: shop-live" in caught.value.problems[0].fix
    named = files["platform.yaml"].replace("live}", "live, namespace: shop-live}")
    assert load_platform({**files, "platform.yaml": named}).namespace_of("prod") == "shop-live"
