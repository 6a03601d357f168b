"""The API server alone, to be measured: `python -m bench.api.serve DIRECTORY PORT`.

No controllers but the one that makes service accounts, without which there are no pods; TLS,
tokens and the journal are as in `kiban cluster start`.
"""

import sys
from pathlib import Path

from kiban.adapters.api_server.certificates import server_identity
from kiban.adapters.api_server.credentials import Authenticator, kept_token
from kiban.adapters.api_server.driver import WallDriver, wall_clock
from kiban.adapters.api_server.server import ApiServer
from kiban.cluster.cluster import assembled
from kiban.cluster.controllers.service_account import ServiceAccountController
from kiban.wiring.event_loop import run


async def serve(directory: Path, port: int) -> None:
    identity = server_identity(directory / "pki")
    cluster = assembled(str(wall_clock()), [ServiceAccountController()])
    driver = WallDriver(cluster, journal=directory / "store.db")
    await driver.start()
    server = ApiServer(driver, Authenticator(kept_token(directory / "token")))
    await server.start(port, identity)
    await driver.finished()


if __name__ == "__main__":
    run(serve(Path(sys.argv[1]), int(sys.argv[2])))
