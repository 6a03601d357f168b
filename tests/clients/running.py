"""A cluster for clients to talk to: `python running.py DIRECTORY`. It has two nodes, runs what its
one image holds as processes and models the rest, says where it is, and ends with its input."""

import asyncio
import json
import sys
from pathlib import Path

from kiban.cluster.nodes import NodeGroup
from kiban.wiring.local_cluster import start_cluster
from kiban.wiring.places import State

IMAGE = "registry.example/app:1"
PROGRAM = """
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        print("asked for", self.path, flush=True)
        body = ("you asked for " + self.path).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
place = os.environ["HOST"], int(os.environ["PORT"])
server = http.server.ThreadingHTTPServer(place, Handler)
print("ready", flush=True)
server.serve_forever()
"""


async def run(directory: Path) -> None:
    state = State(directory)
    cluster = await start_cluster(state, gateway_port=None, modelled=True)
    source = directory / "source" / "app"
    source.mkdir(parents=True)
    (source / "app.py").write_text(PROGRAM)
    cluster.images.build(source.parent, "app", image=IMAGE.split(":")[0], tag="1")
    cluster.add_nodes([NodeGroup("web", count=2)])
    print(json.dumps(cluster.as_data()), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await cluster.stop()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
