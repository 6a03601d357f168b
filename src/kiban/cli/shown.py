"""How commands show what they have: JSON for scripts, problems for people."""

import sys
from collections.abc import Iterable
from typing import Any

import click
import orjson

from kiban.primitives.problems import Problem

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
environment_option = click.option(
    "--env", "-e", "environment", metavar="ENV", help="The environment; the first one unless told."
)


def show_json(value: Any) -> None:
    """One JSON document on standard output, indented, ending in a newline."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(value, default=str, option=options).decode() + "\n")


def show_problems(problems: Iterable[Problem]) -> None:
    """Problems on standard error, each with its place first."""
    for problem in problems:
        click.echo(str(problem), err=True)
