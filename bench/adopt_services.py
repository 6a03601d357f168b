"""How long `kiban adopt` takes, from a cold process, and how that grows.

    python -m bench.adopt_services [--services 75 150 300]

Multiplies the services of examples/legacy, in their three environments, in a temporary directory,
adopts them in a process of its own and prints one JSON object for each number of services: CPU and
wall seconds, lines before and after, and whether everything came back.
"""

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

from bench.check_manifests import timed

LEGACY = Path(__file__).parent.parent / "examples" / "legacy"
ENVIRONMENTS = ("dev", "stg", "prod")
# What belongs to no service.
SHARED = "shared"


def write_copies(folder: Path, services: int) -> None:
    """The files of so many services in each environment, each service under names of its own."""
    for environment in ENVIRONMENTS:
        files = sorted((LEGACY / environment).glob("*.yaml"))
        own = [path for path in files if path.stem != SHARED]
        (folder / environment).mkdir(parents=True)
        for number in range(services):
            path, round_ = own[number % len(own)], number // len(own)
            name = f"{path.stem}{round_ or ''}"
            text = re.sub(rf"\b{path.stem}\b", name, path.read_text())
            (folder / environment / f"{name}.yaml").write_text(text)


def measured(services: int) -> dict[str, object]:
    """One adoption of so many services."""
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "copies", Path(place) / "out.json"
        write_copies(folder, services)
        places = [str(folder / name) for name in ENVIRONMENTS]
        command = ["kiban", "adopt", *places, "--json"]
        script = f"import sys; sys.stdout = open({str(out)!r}, 'w'); sys.argv = {command!r}; "
        script += "from kiban.cli.main import main; sys.exit(main())"
        seconds = timed([sys.executable, "-c", script])
        said = json.loads(out.read_text())
    return {
        "services": services,
        **seconds,
        "lines": said["lines"],
        "objects": said["objects"],
        "differences": len(said["differences"]),
        "restarts": len(said["restarts"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, nargs="+", default=[75, 150, 300])
    for services in parser.parse_args().services:
        print(json.dumps(measured(services)), flush=True)


if __name__ == "__main__":
    main()
