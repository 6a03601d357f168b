from typing import Any

import pytest
from tests.rehearsal.test_world import eventful

from kiban.cluster.nodes import NodeGroup
from kiban.kube.objects import POD
from kiban.rehearsal import World
from kiban.rehearsal.executor import TrustingExecutor
from kiban.rehearsal.world import Settings


def contents(world: World) -> list[Any]:
    store = world.cluster.store
    return [manifest for kind in store.kinds() for manifest in store.list(kind)]


def test_short_ways_leave_the_same_objects_as_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = eventful(4)
    monkeypatch.setattr(TrustingExecutor, "_cuts_short", lambda *_: False)
    thorough = eventful(4)
    assert contents(quick) == contents(thorough)


def plain(monkeypatch: pytest.MonkeyPatch | None = None) -> World:
    """Pods that get a volume with a token, which their template does not have."""
    if monkeypatch is not None:
        monkeypatch.setattr(TrustingExecutor, "_cuts_short", lambda *_: False)
    labels = {"app": "web"}
    container = {"name": "app", "image": "registry.example/web:v1"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 5, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": "web", "namespace": "plain"}
    deployment = {"kind": "Deployment", "metadata": metadata, "spec": spec}
    world = World(
        [{"apiVersion": "apps/v1", **deployment}], Settings(nodes=(NodeGroup("a", count=3),))
    )
    world.run_for(60)
    return world


def test_pods_of_one_template_share_what_the_first_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick, thorough = plain(), plain(monkeypatch)
    assert contents(quick) == contents(thorough)
    volumes = [pod["spec"]["volumes"][-1] for pod in quick.api.list(POD)]
    assert len({volume["name"] for volume in volumes}) == 5
    assert len({id(volume["projected"]) for volume in volumes}) == 1
