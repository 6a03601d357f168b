"""The map of a fleet: what is worst first, and whose it is."""

import xml.etree.ElementTree as ET
from dataclasses import replace

from tests.audit.shop import NOW, merged

from kiban.audit import Surroundings, check
from kiban.audit.heat import columns_of, heat_map
from kiban.audit.results import Result, Status

EXAMPLE = (
    "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n"
    "      hostNetwork: true\n      containers: [{name: app, securityContext: "
    "{allowPrivilegeEscalation: null}}]"
)
FOUND = [Result(one, Status.STANDS) for one in check(merged(EXAMPLE), around=Surroundings(now=NOW))]


def texts(drawing: str) -> list[str]:
    return [one.text or "" for one in ET.fromstring(drawing).iter() if one.tag.endswith("text")]


def test_the_worst_check_stands_first() -> None:
    rules = [text for text in texts(heat_map(FOUND)) if "-" in text]
    assert rules == ["host-network", "allow-privilege-escalation"]


def test_a_namespace_tells_whose_it_is_where_nobody_says() -> None:
    assert list(columns_of(FOUND)) == [("", "shop")]
    named = [replace(one, cluster="tokyo", team="core") for one in FOUND]
    assert "tokyo · core" in texts(heat_map(named))


def test_several_columns_have_sums() -> None:
    clusters = [replace(one, cluster=name) for one in FOUND for name in ("osaka", "tokyo")]
    drawn = texts(heat_map(clusters))
    assert drawn.count("2") == 2 + 2
    assert "all checks" in drawn


def test_nothing_found_is_said() -> None:
    assert "No findings." in texts(heat_map([]))
