"""Measure the delivery engine: `python -m bench.delivery [--json] [--only PART…] [--scale SHARE]`.

Published figures for the same: kubectl apply --server-side of 1,000 apps of 4 objects on a real
API server and two cores, 85 s, and 94 s again with nothing changed; Flux 2.6 on bigger machines,
4 min 16 s.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.delivery.measures import PARTS
from bench.delivery.peer import version
from bench.delivery.report import Row, as_data, show


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--only", nargs="+", choices=sorted(PARTS), help="measure only these")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the usual apps")
    arguments = parser.parse_args()
    rows: list[Row] = []
    for name in arguments.only or PARTS:
        print(f"measuring {name}…", file=sys.stderr)
        rows += _measured(PARTS[name], arguments.scale)
    if arguments.json:
        print(json.dumps({"kubectl": version(), "figures": as_data(rows)}))
    else:
        show(rows)


def _measured(part: Callable[[Path, float], list[Row]], scale: float) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        return part(Path(directory), scale)


if __name__ == "__main__":
    main()
