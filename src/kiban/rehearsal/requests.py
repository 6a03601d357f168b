"""What people and machines ask of a rehearsed cluster's API, in the process and not encoded."""

from collections.abc import Callable, Sequence
from typing import Any

from kiban.cluster.api import eviction
from kiban.cluster.api.calls import Call, DeleteOptions, User
from kiban.cluster.api.deleting import delete
from kiban.cluster.api.registry import Registry
from kiban.kube.kinds import KindInfo
from kiban.kube.merges.merge_patch import merge_patch
from kiban.kube.objects import GroupKind, Key, Manifest, key_of, uid_of
from kiban.primitives.instants import Instant
from kiban.rehearsal import shortcuts

PERSON = User("kubernetes-admin", ("system:masters", "system:authenticated"))
FORCED = DeleteOptions(grace_seconds=0)


class Requests:
    """The API as one client sees it. Every method raises `Failure` when it is refused."""

    def __init__(
        self, registry: Registry, *, namespace: str = "default", user: User = PERSON
    ) -> None:
        self._registry = registry
        self._user = user
        self.namespace = namespace
        self.store = registry.store

    def create(self, manifest: Manifest, now: Instant) -> Manifest:
        """Create an object, in the client's own namespace unless it names one."""
        info = self._registry.info_of_manifest(manifest)
        namespace = manifest["metadata"].get("namespace") or self._space(info)
        return self._registry.create(info, namespace, manifest, self._call(now))

    def apply(self, manifest: Manifest, now: Instant) -> Manifest:
        """Create an object, or merge it into the one that is there."""
        info = self._registry.info_of_manifest(manifest)
        namespace = manifest["metadata"].get("namespace") or self._space(info)
        key = Key(info.group, info.kind, namespace if info.namespaced else "", _name(manifest))
        if self.store.get(key) is None:
            return self.create(manifest, now)
        return self.patch(key, manifest, now)

    def patch(
        self, key: Key, patch: dict[str, Any], now: Instant, subresource: str = ""
    ) -> Manifest:
        """Merge a patch (RFC 7386) into an object or its status."""

        def merged(live: Manifest) -> Manifest:
            found: Manifest = merge_patch(live, patch)
            return found

        return self.change(key, merged, now, subresource)

    def change(
        self,
        key: Key,
        change: Callable[[Manifest], Manifest],
        now: Instant,
        subresource: str = "",
    ) -> Manifest:
        """Replace an object, or its status, by what `change` makes of it."""
        info = self._registry.info_of(key)
        return self._registry.update(info, key, change, self._call(now), subresource)

    def tell(self, key: Key, change: Callable[[Manifest], Manifest]) -> None:
        """A kubelet's word on the status of what it runs: stored as it is, for a kubelet keeps
        the rules, and there are many such words."""
        live = self.store.get(key)
        if live is not None:
            told = change(live)
            if told["status"] != live.get("status"):
                self.store.put(told)

    def delete(self, key: Key, now: Instant, options: DeleteOptions | None = None) -> None:
        info = self._registry.info_of(key)
        delete(self._registry, info, key, options or DeleteOptions(), self._call(now))

    def delete_now(self, pod: Manifest, now: Instant) -> None:
        """A kubelet's last act for a pod."""
        key = key_of(pod)
        if self._registry.trusts_controllers and shortcuts.goes(self.store, key, pod):
            self.store.remove(key)
        else:
            self.delete(key, now, DeleteOptions(grace_seconds=0, uid=uid_of(pod)))

    def evict(self, key: Key, now: Instant) -> None:
        """Ask for a pod's end within its disruption budgets; 429 when they forbid it."""
        eviction.evict(self._registry, key, DeleteOptions(), self._call(now))

    def scale(self, key: Key, replicas: int, now: Instant) -> None:
        self.patch(key, {"spec": {"replicas": replicas}}, now)

    def get(self, key: Key) -> Manifest | None:
        return self.store.get(key)

    def list(self, kind: GroupKind, namespace: str = "") -> Sequence[Manifest]:
        return self.store.list(kind, namespace)

    def key(self, kind: str, name: str) -> Key:
        """The key of an object of the client's own namespace, by its kind's name alone."""
        info = next(entry for entry in self._registry.kinds if entry.kind == kind)
        return Key(info.group, kind, self._space(info), name)

    def _space(self, info: KindInfo) -> str:
        return self.namespace if info.namespaced else ""

    def _call(self, now: Instant) -> Call:
        return Call(self._user, now, manager="kubectl")


def _name(manifest: Manifest) -> str:
    name: str = manifest["metadata"]["name"]
    return name
