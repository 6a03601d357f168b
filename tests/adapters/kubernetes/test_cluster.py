"""The cluster port against a real API server over HTTPS."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from served import CONFIG_MAPS, served

from kiban.adapters.kubernetes import Access, KubernetesCluster, follow
from kiban.adapters.kubernetes.config import ExecPlugin
from kiban.adapters.kubernetes.informer import Unavailable
from kiban.kube.objects import GroupKind, Key, Manifest
from kiban.kube.ports import ApiError, Listing, WatchEvent


def config_map(name: str, **data: str) -> Manifest:
    metadata = {"name": name, "namespace": "default", "labels": {"app": "x"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def key(name: str) -> Key:
    return Key("", "ConfigMap", "default", name)


def run(folder: Path, test: Callable[[KubernetesCluster], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with served(folder) as cluster:
            await asyncio.wait_for(test(cluster), 30)

    asyncio.run(inside())


def test_an_object_is_applied_read_patched_and_deleted(tmp_path: Path) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        assert await cluster.get(key("a")) is None
        made = await cluster.apply(config_map("a", one="1"), manager="kiban")
        assert await cluster.get(key("a")) == made
        patched = await cluster.patch(key("a"), {"data": {"two": "2"}})
        assert patched["data"] == {"one": "1", "two": "2"}
        with pytest.raises(ApiError) as refused:
            await cluster.delete(key("a"), uid="another")
        assert refused.value.code == 409
        await cluster.delete(key("a"), uid=made["metadata"]["uid"])
        assert await cluster.get(key("a")) is None
        assert await cluster.delete(key("a")) is None

    run(tmp_path, test)


def test_an_apply_that_changes_nothing_leaves_the_object_as_it_was(tmp_path: Path) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        first = await cluster.apply(config_map("a", one="1"), manager="kiban")
        second = await cluster.apply(config_map("a", one="1"), manager="kiban")
        assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]

    run(tmp_path, test)


def test_a_field_of_another_manager_is_a_conflict_until_it_is_forced(tmp_path: Path) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        await cluster.apply(config_map("a", one="1"), manager="somebody")
        with pytest.raises(ApiError) as refused:
            await cluster.apply(config_map("a", one="2"), manager="kiban")
        assert (refused.value.code, refused.value.reason) == (409, "Conflict")
        assert "somebody" in str(refused.value)
        forced = await cluster.apply(config_map("a", one="2"), manager="kiban", force=True)
        assert forced["data"] == {"one": "2"}

    run(tmp_path, test)


def test_a_dry_run_stores_nothing(tmp_path: Path) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        await cluster.apply(config_map("a", one="1"), manager="kiban", dry_run=True)
        assert await cluster.get(key("a")) is None

    run(tmp_path, test)


def test_a_list_is_read_in_pages_and_narrowed_by_labels(tmp_path: Path) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        maps = (config_map(f"m{number:04}") for number in range(620))
        await asyncio.gather(*(cluster.create(manifest) for manifest in maps))
        listing = await cluster.list(CONFIG_MAPS, namespace="default", labels="app=x")
        assert len(listing.items) == 620
        assert listing.items[0]["kind"] == "ConfigMap"
        assert listing.items[0]["apiVersion"] == "v1"
        assert (await cluster.list(CONFIG_MAPS, labels="app=y")).items == []

    run(tmp_path, test)


def test_a_watch_shows_changes_after_a_version_and_an_old_version_is_gone(tmp_path: Path) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        version = (await cluster.list(CONFIG_MAPS)).resource_version
        await cluster.apply(config_map("a", one="1"), manager="kiban")
        await cluster.delete(key("a"))
        seen = []
        async for event in cluster.watch(CONFIG_MAPS, resource_version=version):
            if event.type != "BOOKMARK":
                seen.append((event.type, event.object["metadata"]["name"]))
            if len(seen) == 2:
                break
        assert seen == [("ADDED", "a"), ("DELETED", "a")]

    run(tmp_path, test)


def test_following_a_kind_gives_a_list_and_then_its_changes(tmp_path: Path) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        await cluster.apply(config_map("a", one="1"), manager="kiban")
        seen: list[str] = []
        async for event in follow(cluster, CONFIG_MAPS, namespace="default"):
            if isinstance(event, Listing):
                seen.append("list " + " ".join(item["metadata"]["name"] for item in event.items))
                await cluster.apply(config_map("b"), manager="kiban")
            elif isinstance(event, WatchEvent):
                seen.append(f"{event.type} {event.object['metadata']['name']}")
                break
        assert seen == ["list a", "ADDED b"]

    run(tmp_path, test)


def test_an_unknown_kind_is_an_empty_list_to_follow_and_not_found_to_apply(tmp_path: Path) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        kind = GroupKind("no.example.com", "Widget")
        async for event in follow(cluster, kind):
            assert event == Listing([], "0")
            break
        widget = {"apiVersion": "no.example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
        with pytest.raises(ApiError) as refused:
            await cluster.apply(widget, manager="kiban")
        assert refused.value.code == 404

    run(tmp_path, test)


def test_a_wrong_token_is_refused_and_a_silent_server_is_said_to_be_out_of_reach(
    tmp_path: Path,
) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        wrong = Access(cluster.access.server, tls=cluster.access.tls, token="wrong")
        async with KubernetesCluster(wrong) as stranger:
            with pytest.raises(ApiError) as refused:
                await stranger.list(CONFIG_MAPS)
            assert refused.value.code == 401
        async with KubernetesCluster(Access("http://127.0.0.1:9")) as nobody:
            with pytest.raises(ApiError, match="cannot be reached") as unreachable:
                await nobody.get(key("a"))
            assert unreachable.value.code == 0
            async for event in follow(nobody, CONFIG_MAPS):
                assert isinstance(event, Unavailable)
                break

    run(tmp_path, test)


def test_the_embedded_clusters_certificate_is_checked(tmp_path: Path) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        async with KubernetesCluster(Access(cluster.access.server)) as distrustful:
            with pytest.raises(ApiError, match="certificate"):
                await distrustful.get(key("a"))

    run(tmp_path, test)


@pytest.mark.parametrize("output", ["echo log in first >&2; exit 3", "echo nonsense"])
def test_a_credential_that_cannot_be_had_is_a_cluster_out_of_reach(
    tmp_path: Path, output: str
) -> None:
    async def test(cluster: KubernetesCluster) -> None:
        plugin = ExecPlugin("sh", ("-c", output), {}, "client.authentication.k8s.io/v1")
        access = Access(cluster.access.server, tls=cluster.access.tls, command=plugin)
        async with KubernetesCluster(access) as locked_out:
            with pytest.raises(ApiError, match=r"ExecCredential|log in first") as unreachable:
                await locked_out.list(CONFIG_MAPS)
            assert unreachable.value.code == 0
            # It is tried again for ever; nothing ends silently.
            async for event in follow(locked_out, CONFIG_MAPS):
                assert isinstance(event, Unavailable)
                break

    run(tmp_path, test)
