"""The cluster as delivery has seen it: objects by key, and which of them changed since it looked.

Filled by lists and watches, it answers every question about the live state without a request.
"""

from collections.abc import Container, Iterator, Sequence

from kiban.delivery.messages import Follow, Gone, Listed, Seen
from kiban.kube.objects import POD, GroupKind, Key, Manifest, get_in, key_of, labels_of, uid_of

_Place = tuple[GroupKind, str]


class Live:
    """The objects seen so far. `dirty` holds the keys that changed; its reader clears it."""

    def __init__(self) -> None:
        self._objects: dict[Key, Manifest] = {}
        self._by_place: dict[_Place, dict[Key, None]] = {}
        # Pods by namespace, label and its value.
        self._pods: dict[tuple[str, str, str], dict[Key, None]] = {}
        # Grows with every change of a pod.
        self.pod_changes = 0
        self._listed: set[Follow] = set()
        self.dirty: dict[Key, None] = {}

    def get(self, key: Key) -> Manifest | None:
        return self._objects.get(key)

    def has_listed(self, follow: Follow) -> bool:
        return follow in self._listed

    def follows(self) -> tuple[Follow, ...]:
        """What has been listed, sorted."""
        return tuple(sorted(self._listed, key=lambda follow: (follow.kind, follow.namespace)))

    def forget(self, follow: Follow) -> None:
        """What is no longer followed is no longer known."""
        if follow in self._listed:
            self.listed(Listed(follow, ()))
            self._listed.discard(follow)

    def __iter__(self) -> Iterator[Manifest]:
        """All objects, sorted by key."""
        return (self._objects[key] for key in sorted(self._objects))

    def of_kind(self, kind: GroupKind) -> list[Manifest]:
        """The objects of a kind, wherever they are, sorted by key."""
        return [self._objects[key] for key in sorted(self._keys(Follow(kind)))]

    def pods_of(self, workload: Manifest) -> Sequence[Manifest]:
        """The pods that a workload's selector chooses."""
        wanted = get_in(workload, "spec", "selector", "matchLabels", default={})
        if not wanted:
            return []
        namespace = key_of(workload).namespace
        # Of the labels that all must have, the rarest leaves the fewest pods to look at.
        places = [self._pods.get((namespace, *pair), {}) for pair in wanted.items()]
        rarest = min(places, key=len)
        pods = (self._objects[key] for key in sorted(rarest))
        return [pod for pod in pods if wanted.items() <= labels_of(pod).items()]

    def users_of(self, claim: Manifest) -> Sequence[Manifest]:
        """The pods that have a volume by this claim."""
        key = key_of(claim)
        pods = (self._objects[pod] for pod in sorted(self._by_place.get((POD, key.namespace), ())))
        return [
            pod
            for pod in pods
            for volume in get_in(pod, "spec", "volumes", default=[])
            if get_in(volume, "persistentVolumeClaim", "claimName") == key.name
        ]

    def has_any(self, kinds: Container[GroupKind]) -> bool:
        """Whether there is an object of one of these kinds."""
        return any(kind in kinds and keys for (kind, _), keys in self._by_place.items())

    def listed(self, listing: Listed) -> None:
        """Replace what is known of what is followed."""
        follow = listing.follow
        there = {key_of(manifest): manifest for manifest in listing.objects}
        for key in self._keys(follow):
            if key not in there:
                self._drop(key)
        for key, manifest in there.items():
            known = self._objects.get(key)
            if known is None or _version(known) != _version(manifest):
                self._put(key, manifest)
        self._listed.add(follow)

    def seen(self, event: Seen) -> None:
        """Take in an object, unless a newer state of it is known already."""
        key = key_of(event.object)
        known = self._objects.get(key)
        if known is not None and uid_of(known) == uid_of(event.object):
            version = _version(event.object)
            if version and version <= _version(known):
                return
        self._put(key, event.object)

    def gone(self, event: Gone) -> None:
        """Drop an object, unless another one has taken its name."""
        key = key_of(event.object)
        known = self._objects.get(key)
        if known is not None and uid_of(known) == uid_of(event.object):
            self._drop(key)

    def drop(self, key: Key) -> None:
        """The object is known to be gone."""
        if key in self._objects:
            self._drop(key)

    def _put(self, key: Key, manifest: Manifest) -> None:
        self._forget_labels(key)
        metadata = manifest["metadata"]
        # Nobody here reads who owns which field, and it is half of the memory.
        lean = {name: value for name, value in metadata.items() if name != "managedFields"}
        self._objects[key] = {**manifest, "metadata": lean}
        self._by_place.setdefault((key.group_kind, key.namespace), {})[key] = None
        for place in _labelled(key, manifest):
            self._pods.setdefault(place, {})[key] = None
        self.pod_changes += key.group_kind == POD
        self.dirty[key] = None

    def _forget_labels(self, key: Key) -> None:
        if key in self._objects:
            for place in _labelled(key, self._objects[key]):
                keys = self._pods[place]
                del keys[key]
                if not keys:
                    del self._pods[place]

    def _keys(self, follow: Follow) -> list[Key]:
        if follow.namespace:
            return list(self._by_place.get((follow.kind, follow.namespace), ()))
        places = [place for place in self._by_place if place[0] == follow.kind]
        return [key for place in places for key in self._by_place[place]]

    def _drop(self, key: Key) -> None:
        self._forget_labels(key)
        self.pod_changes += key.group_kind == POD
        del self._objects[key]
        place = self._by_place[(key.group_kind, key.namespace)]
        del place[key]
        self.dirty[key] = None


def _labelled(key: Key, manifest: Manifest) -> list[tuple[str, str, str]]:
    """Where a pod stands by its labels; other objects are never looked for so."""
    if key.group_kind != POD:
        return []
    return [(key.namespace, name, value) for name, value in labels_of(manifest).items()]


def _version(manifest: Manifest) -> int:
    """The resourceVersion as a number. Kubernetes compares them so since 1.35; 0 is unknown."""
    text = str(manifest["metadata"].get("resourceVersion", ""))
    return int(text) if text.isdigit() else 0
