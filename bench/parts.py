"""The command line of a measurement that has parts: which of them, how much load, table or JSON.

Each part gets an empty directory and a scale, and gives the rows of its figures.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Measurement(Generic[Row]):
    """What is measured, and how its rows are shown to people and told to programs."""

    about: str
    parts: Mapping[str, Callable[[Path, float], list[Row]]]
    show: Callable[[Sequence[Row]], None]
    as_data: Callable[[Sequence[Row]], Any]

    def main(self) -> None:
        parser = argparse.ArgumentParser(description=self.about.splitlines()[0])
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument("--only", nargs="+", choices=sorted(self.parts), help="only these")
        parser.add_argument("--scale", type=float, default=1.0, help="so many times the usual load")
        arguments = parser.parse_args()
        rows: list[Row] = []
        for name in arguments.only or self.parts:
            print(f"measuring {name}…", file=sys.stderr)
            with tempfile.TemporaryDirectory() as directory:
                rows += self.parts[name](Path(directory), arguments.scale)
        if arguments.json:
            print(json.dumps(self.as_data(rows)))
        else:
            self.show(rows)
