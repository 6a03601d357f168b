"""What delivery has seen of a cluster: the pods of a workload, found by their labels."""

from kiban.delivery.live import Live
from kiban.delivery.messages import Follow, Gone, Listed, Seen
from kiban.kube.objects import POD, Manifest


def pod(name: str, version: int = 1, namespace: str = "shop", **labels: str) -> Manifest:
    metadata = {
        "name": name, "namespace": namespace, "labels": labels, "uid": name,
        "resourceVersion": str(version),
    }  # fmt: skip
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


def workload(**chosen: str) -> Manifest:
    metadata = {"name": "web", "namespace": "shop"}
    selector = {"matchLabels": chosen}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
        "spec": {"selector": selector},
    }  # fmt: skip


def names(live: Live, **chosen: str) -> list[str]:
    return [one["metadata"]["name"] for one in live.pods_of(workload(**chosen))]


def test_the_pods_of_a_workload_have_every_label_it_chooses_and_its_namespace() -> None:
    live = Live()
    for each in (
        pod("a", app="web", tier="front"), pod("b", app="web"), pod("c", app="pay", tier="front"),
        pod("d", namespace="other", app="web", tier="front"),
    ):  # fmt: skip
        live.seen(Seen(each))
    assert names(live, app="web") == ["a", "b"]
    assert names(live, app="web", tier="front") == ["a"]
    assert names(live, app="web", tier="back") == []
    assert names(live) == []


def test_a_pod_that_is_labelled_otherwise_or_gone_is_found_no_more() -> None:
    live = Live()
    live.seen(Seen(pod("a", app="web")))
    live.seen(Seen(pod("b", app="web")))
    live.seen(Seen(pod("a", 2, app="pay")))
    assert (names(live, app="web"), names(live, app="pay")) == (["b"], ["a"])
    live.gone(Gone(pod("b", app="web")))
    live.listed(Listed(Follow(POD, "shop"), ()))
    assert (names(live, app="web"), names(live, app="pay")) == ([], [])


def test_every_change_of_a_pod_is_counted_and_of_nothing_else() -> None:
    live = Live()
    live.seen(Seen(pod("a", app="web")))
    live.seen(Seen(pod("a", 2, app="web")))
    counted = live.pod_changes
    live.seen(Seen(pod("a", 2, app="web")))
    live.seen(Seen(workload(app="web")))
    assert live.pod_changes == counted == 2
    live.gone(Gone(pod("a", 2)))
    assert live.pod_changes == 3
