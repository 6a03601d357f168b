"""What is said about objects that are wrong in one place, for every kind that has rules."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.kube.validation.tables import RIGHT, altered
from tests.kube.validation.test_validation import faults_of

ROWS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "refusals.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("base", RIGHT)
def test_the_object_is_right_as_it_is(base: str) -> None:
    assert faults_of(RIGHT[base]) == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['object']}-{'-'.join(row['with'])}")
def test_one_wrong_value_is_refused_in_the_servers_words(row: dict[str, Any]) -> None:
    assert faults_of(altered(row["object"], row["with"])) == row["says"]
