"""S3, SQS, SNS and DynamoDB as a pod, answered by moto's server.

moto keeps everything in memory: what is in it is gone when the pod restarts.
"""

import os
import sys
from importlib.util import find_spec

from kiban.adapters.local.foreground import Arguments, run
from kiban.primitives.problems import Exit, KibanError, Problem

DEFAULT_PORT = 5000


def main(arguments: Arguments) -> int:
    """Become moto's server."""
    if find_spec("moto") is None or find_spec("flask") is None:
        raise KibanError(
            Problem(
                "local/no-moto",
                "There is nothing on this machine that answers as AWS.",
                why="Queues, topics and buckets are stood in for by moto's server.",
                fix="Install it with `pip install 'moto[server]'`.",
            ),
            Exit.WORLD_FAILED,
        )
    command = [sys.executable, "-m", "moto.server"]
    os.execv(sys.executable, [*command, "--host", arguments.host, "--port", str(arguments.port)])


if __name__ == "__main__":
    run(main, sys.modules[__name__].__doc__ or "", DEFAULT_PORT)
