"""Replay recorded API transcripts against the embedded cluster.

    python tests/conformance/run.py [--cases DIR] [--only GLOB] [--ratchet | --update]

Starts the cluster's API with its controllers on a loopback port and runs `replay.py`, which lies
beside the directory of cases. Prints its lines; the last one is `N passed, M failed`. The exit
status is 0 when every case passed; with `--ratchet`, when no case failed that `passing.txt`
lists. `--update` writes that list anew.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from kiban.adapters.api_server.certificates import server_identity
from kiban.adapters.api_server.credentials import Authenticator, kept_token
from kiban.adapters.api_server.driver import WallDriver
from kiban.adapters.api_server.jwt import SignedTokens
from kiban.adapters.api_server.server import ApiServer
from kiban.cluster.cluster import assembled

HERE = Path(__file__).resolve().parent
PASSING = HERE / "passing.txt"
BESIDE = HERE.parents[2] / "shared" / "conformance" / "cases"


def main() -> int:
    arguments = parse()
    replay = arguments.cases.parent / "replay.py"
    if not replay.exists() or not arguments.cases.is_dir():
        print(f"no recorded cases: {replay} is not there (give their directory with --cases)")
        return 2
    results = asyncio.run(replayed(replay, arguments))
    return verdict(results, arguments)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=Path, default=BESIDE, metavar="DIR")
    parser.add_argument("--only", metavar="GLOB", help="cases by name, such as 'ssa/*'")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--ratchet", action="store_true")
    parser.add_argument("--update", action="store_true")
    return parser.parse_args()


def controllers(cluster_ca: str) -> list[Any]:
    """The cluster's own controllers, as far as they are built."""
    try:
        catalog = import_module("kiban.cluster.controllers.catalog")
    except ModuleNotFoundError:
        return []
    return list(catalog.controllers(root_ca=cluster_ca))


async def replayed(replay: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Run the cases against a cluster of their own; the results as replay.py writes them."""
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        identity = server_identity(state)
        token = kept_token(state / "token")
        cluster = assembled("conformance", controllers(identity.authority.read_text()))
        cluster.tokens = SignedTokens(kept_token(state / "signing-key"))
        driver = WallDriver(cluster, journal=state / "store.db")
        await driver.start()
        server = ApiServer(driver, Authenticator(token))
        address = await server.start(identity=identity)
        cases = sorted(str(path) for path in arguments.cases.glob("*.json"))
        only = ["--only", arguments.only] if arguments.only else []
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(replay), "--server", address, "--token", token,
            "--ca", str(identity.authority), "--jobs", str(arguments.jobs),
            "--json", str(state / "results.json"), *only, *cases,
        )  # fmt: skip
        await process.wait()
        await server.stop()
        await driver.stop()
        results: Any = json.loads((state / "results.json").read_text())
        return results


def verdict(results: list[dict[str, Any]], arguments: argparse.Namespace) -> int:
    passed = {name_of(result) for result in results if is_passed(result)}
    failed = {name_of(result) for result in results} - passed
    if arguments.update:
        PASSING.write_text("".join(f"{name}\n" for name in sorted(passed)))
    if not arguments.ratchet:
        return 1 if failed else 0
    lost = sorted(failed & set(PASSING.read_text().split()))
    for name in lost:
        print(f"LOST {name}: it used to pass")
    print(f"{len(passed)} passed, {len(failed)} failed")
    return 1 if lost else 0


def name_of(result: dict[str, Any]) -> str:
    return str(result["name"])


def is_passed(result: dict[str, Any]) -> bool:
    return bool(result.get("passed", result.get("status") == "pass"))


if __name__ == "__main__":
    sys.exit(main())
