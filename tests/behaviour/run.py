"""Compare the controllers with timelines recorded from a real control plane.

    python tests/behaviour/run.py [--cases DIR] [--update] [--ratchet] [--show] [names…]

One line a case, then `N passed, M failed`. `passing.txt` lists the cases that have to pass:
`--ratchet` fails only for those, `--update` adds the ones that pass now.
"""

import argparse
import json
import sys
import traceback
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from compare import differences  # noqa: E402
from timeline import text_of  # noqa: E402
from world import World  # noqa: E402

PASSING = HERE / "passing.txt"


def played(case: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The timeline of a case, and how it differs from the recording."""
    world = World(case)
    try:
        timeline = world.play()
    except Exception as error:  # noqa: BLE001 - a case that breaks the cluster is a failed case
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        return world.timeline.facts, [said]
    return timeline, differences(case, timeline)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, default=HERE / "cases")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--ratchet", action="store_true")
    parser.add_argument("--show", action="store_true", help="print all differences and our facts")
    parser.add_argument("names", nargs="*", help="cases, or beginnings of their names")
    arguments = parser.parse_args()
    listed = PASSING.read_text().split() if PASSING.exists() else []
    passed, failed = [], []
    for path in sorted(arguments.cases.glob("*.json")):
        name = path.stem
        if arguments.names and not name.startswith(tuple(arguments.names)):
            continue
        timeline, found = played(json.loads(path.read_text()))
        (failed if found else passed).append(name)
        print(f"FAIL {name} {found[0]}" if found else f"pass {name}")
        if arguments.show:
            print("\n".join(f"  {line}" for line in found[1:]))
            print(text_of(timeline))
    if arguments.update:
        PASSING.write_text("".join(f"{name}\n" for name in sorted({*listed, *passed})))
    print(f"{len(passed)} passed, {len(failed)} failed")
    broken = [name for name in failed if name in listed] if arguments.ratchet else failed
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
