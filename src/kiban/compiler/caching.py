"""Keeps what was compiled, by the hash of everything that went into it: only what a commit touches
is compiled.

What a service becomes depends on its own spec and release, on the specs of those it uses, on who
uses it, and on what the platform says for all; not on the commit. So a change of one service
leaves the others' manifests as they are, and they are the very same objects as before, which
makes comparing them cheap too. Kept in memory, as compiling anew is faster than reading a disk.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b

from kiban import __version__
from kiban.compiler.target import Target
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec

# As many services in environments are remembered; some kilobytes each.
LIMIT = 20_000
_KEY_BYTES = 16

Manifests = tuple[Manifest, ...]


class Compilations:
    """What was compiled lately. `made` counts what had to be compiled, `found` what was known."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.made = self.found = 0
        self._limit = limit
        self._kept: dict[bytes, Manifests] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, key: bytes, make: Callable[[], Iterable[Manifest]]) -> Manifests:
        """What was compiled from these inputs, or is now."""
        known = self._kept.pop(key, None)
        if known is None:
            self.made += 1
            known = tuple(make())
        else:
            self.found += 1
        # The last used stands last; the first goes first.
        self._kept[key] = known
        while len(self._kept) > self._limit:
            del self._kept[next(iter(self._kept))]
        return known


class Keys:
    """The hashes of all that goes into each service of one target."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._specs: dict[str, bytes] = {}
        shared = (
            __version__,
            target.environment,
            target.cluster_name,
            target.namespace,
            target.local,
            target.platform.spec.model_dump_json(),
        )
        self._shared = repr(shared).encode()

    def of(self, service: ServiceSpec) -> bytes:
        """The hash of one service's inputs."""
        target, name = self._target, service.service
        uses = target.used[name]
        own = (target.images[name], target.tags[name], uses, target.callers.get(name, ()))
        parts = [self._shared, self._spec(service), repr(own).encode()]
        others = target.platform.services[target.environment]
        known = {use.name for use in uses if use.is_service}
        known |= {name for route in service.routes.values() for name in route.weights}
        parts += [self._spec(others[each]) for each in sorted(known)]
        found = blake2b(digest_size=_KEY_BYTES)
        for part in parts:
            # With its length, so that no two lists of parts run into the same bytes.
            found.update(len(part).to_bytes(8))
            found.update(part)
        return found.digest()

    def _spec(self, service: ServiceSpec) -> bytes:
        known = self._specs.get(service.service)
        if known is None:
            known = self._specs[service.service] = service.model_dump_json().encode()
        return known
