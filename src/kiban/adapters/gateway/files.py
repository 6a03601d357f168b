"""Envoy's discovery files: what is in them, and how they change without ever being half written.

Envoy watches for files that are moved into place. Each file carries a version made from its
content, by which Envoy acknowledges it. Written as JSON: Envoy reads YAML 1.1, where `n` is false.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from kiban.cluster.networking.envoy import Resource, file_source
from kiban.cluster.networking.gateway import GatewayConfiguration

CLUSTERS = "clusters.json"
LISTENERS = "listeners.json"
ROUTES = "routes.json"
BOOTSTRAP = "bootstrap.json"
# Fine where services are; beyond ten seconds a request has failed for its user anyhow.
LATENCY_BOUNDS_MS = (
    *(1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750),
    *(1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 30_000, 60_000, 300_000),
)
# The names under which Envoy counts what it did with a file.
_COUNTED_AS = {
    CLUSTERS: "cluster_manager.cds",
    LISTENERS: "listener_manager.lds",
    ROUTES: "http.public.rds.public",
}


class DiscoveryFiles:
    """The discovery files in one directory, and what was last written to them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._written: dict[str, str] = {}

    def clear(self) -> None:
        """Forget what an earlier gateway left here."""
        self._written.clear()
        for path in sorted(self.directory.glob("*.json")):
            path.unlink()

    def write_bootstrap(self, admin_socket: Path) -> Path:
        """The file Envoy is started with."""
        path = self.directory / BOOTSTRAP
        _replace(path, orjson.dumps(bootstrap(self.directory, admin_socket)))
        return path

    def write(self, configuration: GatewayConfiguration) -> dict[str, str]:
        """Bring the files up to date, except that nothing is taken away yet.

        The order is Envoy's own advice, make before break: clusters, listeners, routes. Returns
        the version to wait for by name of Envoy's statistics.
        """
        clusters = _with_former(self._clusters(), configuration.clusters)
        changed = self._put(CLUSTERS, clusters)
        changed |= self._put(LISTENERS, configuration.listeners)
        changed |= self._put(ROUTES, [configuration.routes])
        return changed

    def take_away(self, configuration: GatewayConfiguration) -> dict[str, str]:
        """Remove what the configuration no longer has, once nothing leads there any more."""
        return self._put(CLUSTERS, configuration.clusters)

    def _clusters(self) -> list[Resource]:
        if CLUSTERS not in self._written:
            return []
        resources: list[Resource] = orjson.loads((self.directory / CLUSTERS).read_bytes())[
            "resources"
        ]
        return resources

    def _put(self, name: str, resources: Iterable[Resource]) -> dict[str, str]:
        listed = list(resources)
        version = blake2b(orjson.dumps(listed), digest_size=8).hexdigest()
        if self._written.get(name) == version:
            return {}
        document = {"version_info": version, "resources": listed}
        _replace(self.directory / name, orjson.dumps(document))
        self._written[name] = version
        return {_COUNTED_AS[name]: version}


def bootstrap(directory: Path, admin_socket: Path) -> Mapping[str, Any]:
    """What Envoy must know before it can read anything else. Its admin interface can stop it, so
    it is a socket that only its owner can open."""
    return {
        "node": {"id": "kiban", "cluster": "kiban"},
        "admin": {"address": {"pipe": {"path": str(admin_socket), "mode": 0o600}}},
        "dynamic_resources": {
            "lds_config": file_source(str(directory / LISTENERS)),
            "cds_config": file_source(str(directory / CLUSTERS)),
        },
        # Histograms are merged when somebody asks, not on a timer.
        "stats_flush_on_admin": True,
        "stats_config": {
            "histogram_bucket_settings": [
                {"match": {"suffix": "upstream_rq_time"}, "buckets": list(LATENCY_BOUNDS_MS)}
            ]
        },
    }


def _with_former(former: Iterable[Resource], wanted: Iterable[Resource]) -> list[Resource]:
    by_name = {resource["name"]: resource for resource in (*former, *wanted)}
    return [by_name[name] for name in sorted(by_name)]


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}")
    fresh.write_bytes(content)
    fresh.replace(path)
