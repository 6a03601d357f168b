"""Actions as the command line has them, and the words that carry their values."""

import pytest

from kiban.cli.catalogue import catalogue
from kiban.cli.main import COMMANDS
from kiban.operations.catalogue import RIGHTS, arguments_of, environments_of


def test_every_command_is_in_the_catalogue_and_every_right_is_a_commands() -> None:
    found = catalogue()
    assert set(COMMANDS) == {name.partition(" ")[0] for name in found}
    assert set(RIGHTS) <= {name.partition(" ")[0] for name in found} | set(found)
    for action in found.values():
        names = {parameter.name for parameter in action.parameters}
        if action.right.verb not in ("local", "read") and action.right.environments:
            assert set(action.right.environments) & names, action.name
        flags = {parameter.flag for parameter in action.parameters}
        assert set(action.right.preview) <= flags, action.name


def test_values_become_words_in_which_none_can_pass_for_an_option() -> None:
    promote = catalogue()["promote"]
    values = {"source": "dev", "target": "--dry-run", "services": ["a", "-x"], "dry_run": True}
    assert arguments_of(promote, values) == [
        "promote", "--dry-run", "--", "dev", "--dry-run", "a", "-x",
    ]  # fmt: skip
    assert environments_of(promote, values) == ["--dry-run"]
    rollback = catalogue()["rollback"]
    found = arguments_of(rollback, {"service": "a", "environment": "--to=x", "to": ""})
    assert found == ["rollback", "--env=--to=x", "--", "a"]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"target": "stg"}, "source is missing"),
        ({"source": "dev", "target": "stg", "force": True}, "no parameter force"),
        ({"source": ["dev", "stg"], "target": "stg"}, "takes one value"),
        ({"source": "dev\n", "target": "stg"}, "one line"),
    ],
)
def test_values_that_do_not_fit_are_refused(values: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        arguments_of(catalogue()["promote"], values)


def test_what_is_not_in_the_table_of_rights_is_not_for_browsers() -> None:
    verbs = {name: action.right.verb for name, action in catalogue().items()}
    assert {verbs["up"], verbs["down"], verbs["serve"]} == {"local"}
    assert verbs["quarantine lift"] == "operate"
