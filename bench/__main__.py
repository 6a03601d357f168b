"""Run every measurement, or those named: `python -m bench [name…]`. One JSON line each."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# What measurements share is none itself.
SHARED = "parts"


def main(names: list[str]) -> int:
    """Each measurement is a program of its own, so that none inherits another's memory."""
    known = sorted(
        [path.stem for path in HERE.glob("[a-z]*.py") if path.stem != SHARED]
        + [path.parent.name for path in HERE.glob("*/__main__.py")]
    )
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"no measurement is called {', '.join(unknown)}; there are: {', '.join(known)}")
        return 2
    failed = [
        name
        for name in names or known
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode
    ]
    for name in failed:
        print(f"{name} failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
