"""Bundles in the form that Argo CD and Flux deliver."""

from typing import Any

import yaml

from kiban.compiler import Bundle, compile_environment
from kiban.delivery.exports import Published, argocd_files, flux_files
from kiban.spec import load_platform

PUBLISHED = Published("https://git.example/shop.git", "deploy/{environment}", "rendered")


def bundles() -> list[Bundle]:
    files = {
        "platform.yaml": "platform: shop\n"
        "environments: {dev: {cluster: east}, prod: {clusters: [east, west]}}\n"
        "clusters: {east: {}, west: {}}\n",
        "services/stamp.yaml": "image: a\nport: 80\nscale: {min: 2, max: 9}\n"
        "uses: {points: service}\n",
        "services/points.yaml": "image: b\nport: 80\n",
        "releases/dev.yaml": "stamp: v1\npoints: v1\n",
        "releases/prod.yaml": "stamp: v1\npoints: v1\n",
    }
    platform = load_platform(files)
    return [
        compile_environment(platform, name, cluster=cluster)
        for name in platform.environments
        for cluster in platform.clusters_of(name)
    ]


def read(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def wave(manifest: dict[str, Any]) -> int:
    return int(manifest["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])


def test_argocd_gets_an_application_for_each_environment_on_each_cluster() -> None:
    files = argocd_files(bundles(), PUBLISHED)
    applications = sorted(path for path in files if path.startswith("applications/"))
    assert applications == [
        "applications/shop-dev-east.yaml",
        "applications/shop-prod-east.yaml",
        "applications/shop-prod-west.yaml",
    ]
    [found] = read(files["applications/shop-prod-west.yaml"])
    assert found["spec"]["source"] == {
        "repoURL": "https://git.example/shop.git",
        "targetRevision": "deploy/prod",
        "path": "rendered/west/prod",
        "directory": {"recurse": False},
    }
    assert found["spec"]["destination"] == {"name": "west", "namespace": "shop-prod"}
    assert found["spec"]["syncPolicy"]["automated"]["prune"] is True
    assert found["spec"]["ignoreDifferences"] == [
        {"group": "apps", "kind": "Deployment", "name": "stamp", "jsonPointers": ["/spec/replicas"]}
    ]
    assert "finalizers" not in found["metadata"]


def test_sync_waves_follow_the_service_graph() -> None:
    files = argocd_files(bundles(), PUBLISHED)
    found = {
        (one["kind"], one["metadata"]["name"]): wave(one)
        for path, text in files.items()
        if path.startswith("east/dev/")
        for one in read(text)
    }
    assert found["Namespace", "shop-dev"] < found["Service", "stamp"]
    assert found["Service", "stamp"] < found["Deployment", "points"] < found["Deployment", "stamp"]


def test_a_namespace_is_never_pruned() -> None:
    [space] = [
        one
        for one in read(argocd_files(bundles(), PUBLISHED)["east/dev/_environment.yaml"])
        if one["kind"] == "Namespace"
    ]
    assert space["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false"


def test_flux_waits_for_what_a_service_uses() -> None:
    files = flux_files(bundles(), PUBLISHED)
    repository, *found = read(files["kustomizations/shop-dev-east.yaml"])
    assert repository["spec"]["ref"] == {"branch": "deploy/dev"}
    by_name = {one["metadata"]["name"]: one["spec"] for one in found}
    assert by_name["shop-dev-east-stamp"]["dependsOn"] == [
        {"name": "shop-dev-east-environment"},
        {"name": "shop-dev-east-points"},
    ]
    assert by_name["shop-dev-east-stamp"]["path"] == "./rendered/east/dev/stamp"
    assert by_name["shop-dev-east-points"]["prune"] is True
    assert by_name["shop-dev-east-points"]["wait"] is True
    kinds = [one["kind"] for one in read(files["east/dev/stamp/manifests.yaml"])]
    assert "Deployment" in kinds


def test_the_same_bundles_give_the_same_files() -> None:
    for files in (argocd_files, flux_files):
        assert files(bundles(), PUBLISHED) == files(bundles(), PUBLISHED)
