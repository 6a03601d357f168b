"""Secrets by reference: what brings the Secrets that services name to a cluster.

External Secrets become objects that name the store; sealed ones lie encrypted in the repo and are
checked to hold every key that somebody reads; SOPS files go, still in cipher, into the bundle's
needs. A value is in none of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kiban.compiler.bundle import SecretNeed
from kiban.compiler.rendered import Rendered, SealedSecret
from kiban.compiler.target import Target
from kiban.kube.objects import Manifest, get_in, labels_of
from kiban.primitives.problems import Place, Problem
from kiban.spec.sourcing import Secrets

EXTERNAL = "external-secrets.io/v1"
_ENCRYPTED = "ENC["


@dataclass(frozen=True, slots=True)
class Brought:
    """The objects that bring Secrets, and the needs as they are met by them."""

    manifests: tuple[Manifest, ...]
    needs: tuple[SecretNeed, ...]


def brought(
    target: Target, needs: tuple[SecretNeed, ...], rendered: Rendered, problems: list[Problem]
) -> Brought:
    """How the needs of a target are met. On the embedded cluster Secrets are made instead."""
    if target.local:
        return Brought((), needs)
    settings = target.platform.secrets_of(target.environment)
    if settings.by == "external-secrets":
        if not settings.store:
            what = "`secrets.store` is needed to fetch Secrets from"
            problems.append(Problem("spec/missing-field", what, _PLACE, fix="add `store: name`"))
        return Brought(tuple(_external(target, settings, need) for need in needs), needs)
    if settings.by == "sealed-secrets":
        problems += _unsealed(needs, rendered.secrets, settings)
        return Brought(tuple(_owned(target, one) for one in rendered.secrets), needs)
    if settings.by == "sops":
        problems += _left_clear(rendered.sealed)
        return Brought((), tuple(_with_files(target, needs, rendered.sealed, settings, problems)))
    return Brought((), needs)


_PLACE = Place("platform.yaml", thing="secrets")


def _external(target: Target, settings: Secrets, need: SecretNeed) -> Manifest:
    words = {
        "platform": target.platform.name,
        "environment": target.environment,
        "cluster": target.cluster_name,
        "secret": need.name,
    }
    key = settings.key
    for word, value in words.items():
        key = key.replace(f"{{{word}}}", value)
    spec: dict[str, Any] = {
        "refreshInterval": f"{settings.refresh:g}s",
        "secretStoreRef": {"name": settings.store or "", "kind": settings.store_kind},
        # The operator's Secret goes with the object that asked for it.
        "target": {"name": need.name, "creationPolicy": "Owner"},
    }
    if need.keys:
        spec["data"] = [
            {"secretKey": name, "remoteRef": {"key": key, "property": name}} for name in need.keys
        ]
    else:
        spec["dataFrom"] = [{"extract": {"key": key}}]
    manifest = target.manifest(EXTERNAL, "ExternalSecret", need.name, spec=spec)
    return _owned(target, manifest)


def _owned(target: Target, manifest: Manifest) -> Manifest:
    """With the labels of the environment itself: what brings a Secret comes before the services."""
    metadata = {"namespace": target.namespace, **manifest["metadata"]}
    metadata["labels"] = {**labels_of(manifest), **target.ownership()}
    return {**manifest, "metadata": metadata}


def _unsealed(
    needs: Iterable[SecretNeed], there: Iterable[Manifest], settings: Secrets
) -> Iterator[Problem]:
    """Secrets that no encrypted file holds, and keys that are missing in theirs."""
    found = {
        str(get_in(one, "spec", "template", "metadata", "name") or one["metadata"]["name"]): get_in(
            one, "spec", "encryptedData", default={}
        )
        for one in there
    }
    yield from _missing(needs, found, settings)


def _missing(
    needs: Iterable[SecretNeed], found: Mapping[str, Mapping[str, Any]], settings: Secrets
) -> Iterator[Problem]:
    for need in needs:
        lacking = [key for key in need.keys if key not in found.get(need.name, {})]
        if need.name not in found:
            what = f"no file below {settings.path} holds the Secret {need.name!r}"
            fix = f"encrypt it there; {need.service} reads {', '.join(need.keys) or 'it'}"
            yield Problem("secrets/no-file", what, _PLACE, fix=fix)
        elif lacking:
            what = f"the file of the Secret {need.name!r} lacks {', '.join(lacking)}"
            yield Problem("secrets/no-key", what, _PLACE, fix="add the key, encrypted")


def _with_files(
    target: Target,
    needs: Iterable[SecretNeed],
    sealed: Iterable[SealedSecret],
    settings: Secrets,
    problems: list[Problem],
) -> Iterator[SecretNeed]:
    wanted = {need.name: need for need in needs}
    files = {str(one.manifest["metadata"]["name"]): one for one in sealed}
    keys = {name: _keys(one.manifest) for name, one in files.items()}
    problems += _missing(wanted.values(), keys, settings)
    for name in sorted(wanted.keys() | files.keys()):
        need = wanted.get(name) or SecretNeed(target.namespace, name, "")
        if name in files:
            namespace = files[name].manifest["metadata"].get("namespace") or target.namespace
            every = tuple(sorted({*need.keys, *keys[name]}))
            need = replace(need, namespace=namespace, keys=every, sealed=files[name].text)
        yield need


def _keys(manifest: Manifest) -> Mapping[str, Any]:
    return {**(manifest.get("data") or {}), **(manifest.get("stringData") or {})}


def _left_clear(sealed: Iterable[SealedSecret]) -> Iterator[Problem]:
    """A value that SOPS was told to leave alone would be in clear in everything that follows."""
    for one in sealed:
        for key, value in _keys(one.manifest).items():
            if not str(value).startswith(_ENCRYPTED):
                what = f"the value of {key!r} in {one.file} is not encrypted"
                fix = "encrypt it with `sops --encrypt`, and change the secret"
                yield Problem("secrets/in-clear", what, Place(one.file), fix=fix)
