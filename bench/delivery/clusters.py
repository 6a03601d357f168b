"""Several embedded clusters in one process, each with its own store, controllers and API server
over TLS: `python -m bench.delivery.clusters DIRECTORY NAME…`. Prints a line when all answer."""

import sys
from pathlib import Path

from bench.delivery.limits import open_files_at_most
from kiban.adapters.api_server.certificates import server_identity
from kiban.adapters.api_server.credentials import Authenticator, kept_token, write_kubeconfig
from kiban.adapters.api_server.driver import WallDriver, wall_clock
from kiban.adapters.api_server.server import ApiServer
from kiban.cluster.cluster import assembled
from kiban.cluster.controllers.catalog import controllers
from kiban.wiring.event_loop import run


async def serve(directory: Path, names: list[str]) -> None:
    identity = server_identity(directory / "pki")
    drivers = []
    for name in names:
        place = directory / name
        place.mkdir()
        cluster = assembled(f"{name} {wall_clock()}", controllers())
        driver = WallDriver(cluster, journal=place / "store.db")
        await driver.start()
        token = kept_token(place / "token")
        address = await ApiServer(driver, Authenticator(token)).start(0, identity)
        write_kubeconfig(place / "kubeconfig", address, token, identity.authority)
        drivers.append(driver)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await drivers[0].finished()


if __name__ == "__main__":
    open_files_at_most()
    run(serve(Path(sys.argv[1]), sys.argv[2:]))
