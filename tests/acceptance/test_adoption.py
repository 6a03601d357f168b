"""What runs is taken over by what was adopted from it, and not a pod is replaced."""

from pathlib import Path
from typing import Any

import pytest
from delivery_stage import PAUSE_IMAGE, Stage, play

from kiban.adopt import Copy, Options, adopted
from kiban.kube.documents import Document
from kiban.kube.objects import GroupKind, Manifest, labels_of
from kiban.primitives.canonical import yaml_text
from kiban.wiring.adopting import take_over


def deployment(name: str, namespace: str) -> Manifest:
    """As somebody wrote it: entries in an order of their own, hardly anything hardened."""
    labels = {"app": name, "tier": "backend"}
    container: dict[str, Any] = {
        "name": "main",
        "image": PAUSE_IMAGE,
        "env": [{"name": key, "value": key.lower()} for key in ("ZONE", "LEVEL", "APP")],
        "ports": [
            {"name": "metrics", "containerPort": 9090},
            {"name": "http", "containerPort": 8080},
        ],
        "volumeMounts": [
            {"name": "scratch", "mountPath": "/scratch"},
            {"name": "cache", "mountPath": "/cache"},
        ],
    }
    pod = {
        "containers": [{"name": "side", "image": PAUSE_IMAGE}, container],
        "volumes": [{"name": "scratch", "emptyDir": {}}, {"name": "cache", "emptyDir": {}}],
        "terminationGracePeriodSeconds": 1,
    }
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def service(name: str, namespace: str) -> Manifest:
    spec = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": "http"}]}
    metadata = {"name": f"{name}-svc", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def test_running_pods_are_taken_over_without_a_restart(kubeconfig: str, tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        space = stage.scope.namespace
        originals = [make(name, space) for name in ("web", "api") for make in (deployment, service)]
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
        for manifest in [namespace, *originals]:
            await stage.cluster.apply(manifest, manager="kubectl")

        async def are_running() -> bool:
            pods = [*await stage.pods("web"), *await stage.pods("api")]
            return len(pods) == 4 and all(one["status"].get("phase") == "Running" for one in pods)

        await stage.eventually(are_running)
        before = await running(stage)
        documents = tuple(Document(one, "x.yaml", 1, yaml_text(one)) for one in originals)
        adoption = adopted([Copy("prod", documents)], Options("shop", worth=1000.0))
        assert sorted(adoption.folded.services) == ["api", "web"]
        assert adoption.proof.restarts == ()
        commit = stage.commit_bundle(adoption.bundles["prod"])
        await stage.delivered(commit)
        found = await stage.get("Deployment", "web")
        assert found is not None
        assert labels_of(found)["kiban.dev/service"] == "web"
        assert await running(stage) == before

    play(kubeconfig, tmp_path, story)


def test_what_somebody_changed_by_hand_is_found_before_the_take_over(
    kubeconfig: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", kubeconfig)

    async def story(stage: Stage) -> None:
        space = stage.scope.namespace
        originals = [deployment(name, space) for name in ("web", "api", "gone")]
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
        changed = deployment("api", space)
        changed["spec"]["template"]["spec"]["containers"][1]["env"][1]["value"] = "debug"
        for manifest in [namespace, originals[0], changed]:
            await stage.cluster.apply(manifest, manager="kubectl")
        documents = tuple(Document(one, "x.yaml", 1, yaml_text(one)) for one in originals)
        adoption = adopted([Copy("prod", documents)], Options("shop", worth=1000.0))
        seen = await take_over(adoption, "")
        assert (seen.kept, seen.absent) == (1, ("Deployment/gone@prod",))
        [restart] = seen.restarts
        assert str(restart.object) == "Deployment/api"
        assert restart.why == ("spec.containers.main.env.LEVEL.value: debug -> level",)

    play(kubeconfig, tmp_path, story)


async def running(stage: Stage) -> list[str]:
    """The identity of every pod and of every revision."""
    kinds = (GroupKind("", "Pod"), GroupKind("apps", "ReplicaSet"))
    listings = [await stage.cluster.list(kind, namespace=stage.scope.namespace) for kind in kinds]
    return sorted(one["metadata"]["uid"] for listing in listings for one in listing.items)
