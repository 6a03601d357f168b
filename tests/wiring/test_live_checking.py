"""What runs in a cluster is checked, whoever put it there."""

import asyncio
from pathlib import Path

from kiban.adapters.kubernetes import KubernetesCluster, load_access
from kiban.compiler import compile_environment
from kiban.kube.objects import Manifest
from kiban.spec import load_platform
from kiban.wiring.checking import Options
from kiban.wiring.live_checking import check_live
from kiban.wiring.local_cluster import start_cluster
from kiban.wiring.places import State

FILES = {
    "platform.yaml": "platform: shop\nenvironments: {dev: {domain: a.b}}\n",
    "services/web.yaml": "image: r.example/web:v1\nport: 8080\nhealth: /ok\nroutes: {all: /}\n",
}
BAD: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "bad", "namespace": "shop-dev", "labels": {"team": "core"}},
    "spec": {
        "selector": {"matchLabels": {"app": "bad"}},
        "template": {
            "metadata": {"labels": {"app": "bad"}},
            "spec": {"containers": [{"name": "app", "image": "r.example/bad"}]},
        },
    },
}


def _lenient(manifest: Manifest) -> Manifest:
    """A namespace that lets the bad pod in."""
    if manifest["kind"] != "Namespace":
        return manifest
    labels = {**manifest["metadata"]["labels"], "pod-security.kubernetes.io/enforce": "baseline"}
    return {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}


def test_a_live_cluster_is_judged_without_what_others_made(tmp_path: Path) -> None:
    async def story() -> None:
        cluster = await start_cluster(State(tmp_path), gateway_port=None, modelled=True)
        try:
            path = str(State(tmp_path).kubeconfig)
            bundle = compile_environment(load_platform(FILES), "dev")
            async with KubernetesCluster(load_access("", path)) as client:
                for manifest in map(_lenient, (*bundle.manifests, BAD)):
                    await client.apply(manifest, manager="test")
            report = await asyncio.to_thread(check_live, "", "", Options(), path)
        finally:
            await cluster.stop()
        assert report.problems == ()
        assert {one.finding.object.name for one in report.standing} == {"bad"}
        assert {one.team for one in report.standing} == {"core"}
        rules = {one.finding.rule for one in report.standing}
        assert {"tag-latest", "run-as-non-root", "cpu-request"} <= rules

    asyncio.run(story())
