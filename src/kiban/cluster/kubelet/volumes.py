"""What stands behind the mount paths of a container: directories, claims, and files made of
ConfigMaps, Secrets, tokens and the pod's own fields.

A volume that cannot be made raises `VolumeFault` with the kubelet's words; the pod then waits.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from kiban.cluster.api.tokens import AUDIENCE, DEFAULT_SECONDS, claims_of
from kiban.cluster.asks import Mount
from kiban.cluster.kubelet.downward import PodPlace, field_value, resource_value
from kiban.cluster.kubelet.environment import data_of, expanded
from kiban.cluster.networking.names import rewrite
from kiban.kube.objects import PERSISTENT_VOLUME_CLAIM, SERVICE_ACCOUNT, Key, Manifest, get_in
from kiban.primitives.instants import Instant, later
from kiban.reconcile.controller import Snapshot


class VolumeFault(Exception):
    """A volume of the pod cannot be set up yet."""


class TokenSource(Protocol):
    """Signs the claims of service accounts' tokens."""

    def sign(self, claims: Manifest) -> str: ...


def mounts_of(
    pod: Manifest,
    container: Mapping[str, Any],
    env: Mapping[str, str],
    volumes: Mapping[str, Mount],
) -> dict[str, Mount]:
    """The mounts of one container by path, from the pod's volumes by name."""
    found: dict[str, Mount] = {}
    for mount in container.get("volumeMounts") or []:
        volume = volumes.get(mount["name"])
        if volume is None:
            raise VolumeFault(f'volume "{mount["name"]}" is not declared')
        sub_path = mount.get("subPath") or expanded(mount.get("subPathExpr") or "", env)
        found[mount["mountPath"]] = Mount(
            volume.kind, volume.name, volume.files, sub_path, bool(mount.get("readOnly"))
        )
    return found


def volumes_of(
    pod: Manifest,
    place: PodPlace,
    snapshot: Snapshot,
    tokens: TokenSource | None,
    now: Instant,
) -> dict[str, Mount]:
    """Every volume of a pod by name."""
    maker = _Maker(pod, place, snapshot, tokens, now)
    return {
        volume["name"]: maker.mount(volume) for volume in get_in(pod, "spec", "volumes", default=[])
    }


def token_seconds(pod: Manifest) -> int | None:
    """How long the shortest-lived token of a pod is good for; None when it has none."""
    lives = [
        int(token.get("expirationSeconds") or DEFAULT_SECONDS)
        for volume in get_in(pod, "spec", "volumes", default=[])
        for source in get_in(volume, "projected", "sources", default=[])
        if (token := source.get("serviceAccountToken")) is not None
    ]
    return min(lives, default=None)


def mounts_source(pod: Manifest, source: Key) -> bool:
    """Whether a ConfigMap or Secret stands behind one of the pod's volumes."""
    field = {"ConfigMap": "configMap", "Secret": "secret"}.get(source.kind)
    if field is None:
        return False
    for volume in get_in(pod, "spec", "volumes", default=[]):
        for entry in (volume, *get_in(volume, "projected", "sources", default=[])):
            found = entry.get(field) or {}
            if source.name in (found.get("name"), found.get("secretName")):
                return True
    return False


class _Maker:
    """Makes the volumes of one pod."""

    def __init__(
        self,
        pod: Manifest,
        place: PodPlace,
        snapshot: Snapshot,
        tokens: TokenSource | None,
        now: Instant,
    ) -> None:
        self.now = now
        self.pod, self.place, self.snapshot, self.tokens = pod, place, snapshot, tokens
        self.namespace = pod["metadata"].get("namespace", "")

    def mount(self, volume: Mapping[str, Any]) -> Mount:
        name = volume["name"]
        if claim := volume.get("persistentVolumeClaim"):
            return Mount("claim", self._claim(claim["claimName"]))
        if volume.get("ephemeral"):
            return Mount("claim", self._claim(f"{self.pod['metadata']['name']}-{name}"))
        if host := volume.get("hostPath"):
            return Mount("host", host["path"])
        sources = {"configMap", "secret", "downwardAPI", "projected"} & volume.keys()
        if sources:
            return Mount("files", name, self._files(name, volume))
        if len(volume) == 1 or "emptyDir" in volume:
            return Mount("empty", name)
        kind = ", ".join(sorted(volume.keys() - {"name"}))
        raise VolumeFault(f'volume "{name}" is of a kind this cluster does not have: {kind}')

    def _claim(self, name: str) -> str:
        kind = PERSISTENT_VOLUME_CLAIM
        if self.snapshot.get(Key(kind.group, kind.kind, self.namespace, name)) is None:
            raise VolumeFault(f'persistentvolumeclaim "{name}" not found')
        return name

    def _files(self, name: str, volume: Mapping[str, Any]) -> dict[str, bytes]:
        sources = get_in(volume, "projected", "sources") or [volume]
        files: dict[str, bytes] = {}
        for source in sources:
            for kind in ("configMap", "secret"):
                if source.get(kind) is not None:
                    files |= self._object_files(name, kind, source[kind])
            if source.get("downwardAPI") is not None:
                files |= self._fields(source["downwardAPI"])
            if source.get("serviceAccountToken") is not None:
                files |= self._token(source["serviceAccountToken"])
        return {path: self._rewritten(content) for path, content in files.items()}

    def _object_files(self, volume: str, kind: str, source: Mapping[str, Any]) -> dict[str, bytes]:
        name = source.get("name") or source.get("secretName") or ""
        data = data_of(kind, self.namespace, name, self.snapshot)
        if data is None:
            if source.get("optional"):
                return {}
            raise VolumeFault(
                f'MountVolume.SetUp failed for volume "{volume}" : '
                f'{kind.lower()} "{name}" not found'
            )
        if not source.get("items"):
            return data
        missing = [i["key"] for i in source["items"] if i["key"] not in data]
        if missing and not source.get("optional"):
            raise VolumeFault(
                f'MountVolume.SetUp failed for volume "{volume}" : references non-existent '
                f"{'config' if kind == 'configMap' else 'secret'} key: {missing[0]}"
            )
        return {i["path"]: data[i["key"]] for i in source["items"] if i["key"] in data}

    def _fields(self, source: Mapping[str, Any]) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for item in source.get("items") or []:
            if reference := item.get("fieldRef"):
                text = field_value(self.pod, reference["fieldPath"], self.place) or ""
            else:
                reference = item["resourceFieldRef"]
                text = resource_value(self.pod, "", reference, self.place.node)
            files[item["path"]] = text.encode()
        return files

    def _token(self, source: Mapping[str, Any]) -> dict[str, bytes]:
        name = get_in(self.pod, "spec", "serviceAccountName", default="default")
        account = self.snapshot.get(Key(*SERVICE_ACCOUNT, self.namespace, name))
        if self.tokens is None or account is None:
            return {}
        end = later(self.now, int(source.get("expirationSeconds") or DEFAULT_SECONDS))
        metadata = self.pod["metadata"]
        bound = {"kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
        audiences = [source.get("audience") or AUDIENCE]
        claims = claims_of(account, audiences, self.now, end, bound)
        return {source["path"]: self.tokens.sign(claims).encode()}

    def _rewritten(self, content: bytes) -> bytes:
        if b".svc" not in content:
            return content
        try:
            lowest = self.place.lowest_port
            return rewrite(content.decode(), self.snapshot, lowest_port=lowest).encode()
        except UnicodeDecodeError:
            return content
