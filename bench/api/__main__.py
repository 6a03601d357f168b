"""Measure the embedded API server: `python -m bench.api [--json] [--only PART…]`.

kube-apiserver's figures were measured on two cores with fsync: start to first answer; the four
processes of a control plane idle; server-side applies from Go, by one client and by twenty.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.api.measures import PARTS
from bench.api.report import Row, as_data, show


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--only", nargs="+", choices=sorted(PARTS), help="measure only these")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the usual load")
    arguments = parser.parse_args()
    rows: list[Row] = []
    for name in arguments.only or PARTS:
        print(f"measuring {name}…", file=sys.stderr)
        rows += _measured(PARTS[name], arguments.scale)
    if arguments.json:
        print(json.dumps(as_data(rows)))
    else:
        show(rows)


def _measured(part: Callable[[Path, float], list[Row]], scale: float) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        return part(Path(directory), scale)


if __name__ == "__main__":
    main()
