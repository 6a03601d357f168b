"""Manifests are read once, however often they are audited."""

from kiban.audit.wellformed import Readings, read_all
from kiban.kube.objects import Manifest, key_of


def config(**data: object) -> Manifest:
    metadata = {"name": "settings", "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_the_very_same_manifest_is_read_once_and_another_one_again() -> None:
    readings, first, other = Readings(), config(level="info"), config(level=7)
    key = key_of(first)
    once = readings.of({key: first})[key]
    assert readings.of({key: first})[key] is once
    again = readings.of({key: other})[key]
    assert again == read_all({key: other})[key]
    assert again.wrong
    assert readings.of({key: first})[key] == once


def test_what_is_gone_is_forgotten() -> None:
    readings, manifest = Readings(), config(level="info")
    once = readings.of({key_of(manifest): manifest})
    assert readings.of({}) == {}
    again = readings.of({key_of(manifest): manifest})
    assert again == once
    assert again[key_of(manifest)] is not once[key_of(manifest)]
