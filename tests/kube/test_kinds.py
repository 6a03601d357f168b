"""The registry of kinds: what it holds, how a person's word finds a kind, and what CRDs add."""

from kiban.kube.kinds import KindInfo, custom_kinds, standard_kinds
from kiban.kube.objects import CRON_JOB, DEPLOYMENT, GroupKind

KINDS = standard_kinds()
WIDGETS = {
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
        "versions": [
            {"name": "v1beta1", "served": True},
            {"name": "v1", "served": True, "subresources": {"status": {}}},
            {"name": "v1alpha1", "served": False},
        ],
    }
}


def found(word: str) -> str:
    info = KINDS.typed(word)
    return f"{info.plural}.{info.version}.{info.group}" if info else ""


def test_a_person_may_type_a_kind_in_many_ways() -> None:
    for word in ("deploy", "Deployment", "deployments", "deployments.apps", "deployments.v1.apps"):
        assert found(word) == "deployments.v1.apps"
    assert found("po") == "pods.v1."
    assert found("events") == "events.v1."
    assert found("events.events.k8s.io") == "events.v1.events.k8s.io"
    assert found("pods.apps") == ""


def test_the_preferred_version_comes_first() -> None:
    autoscaler = GroupKind("autoscaling", "HorizontalPodAutoscaler")
    assert KINDS.versions(autoscaler) == ("v2", "v1")
    preferred = KINDS.of(autoscaler)
    assert preferred is not None and preferred.version == "v2"


def test_a_kind_knows_its_paths_and_subresources() -> None:
    info = KINDS.of(DEPLOYMENT)
    assert info is not None
    assert info.path("shop", "cart", "scale") == (
        "/apis/apps/v1/namespaces/shop/deployments/cart/scale"
    )
    scale = info.subresource("scale")
    assert scale is not None and (scale.group, scale.kind) == ("autoscaling", "Scale")
    pods = KINDS.at("", "v1", "pods")
    assert pods is not None and pods.path("shop") == "/api/v1/namespaces/shop/pods"
    assert KINDS.at("", "v1", "deployments") is None


def test_all_is_what_kubectl_shows_for_it() -> None:
    assert {info.plural for info in KINDS.in_category("all")} == {
        "cronjobs",
        "daemonsets",
        "deployments",
        "horizontalpodautoscalers",
        "jobs",
        "pods",
        "replicasets",
        "replicationcontrollers",
        "services",
        "statefulsets",
    }


def test_namespaces_cannot_be_deleted_by_collection() -> None:
    info = KINDS.typed("ns")
    assert info is not None
    assert "deletecollection" not in info.verbs and not info.namespaced


def test_a_definition_adds_its_served_versions_with_the_stable_one_first() -> None:
    kinds = KINDS.including(custom_kinds(WIDGETS))
    assert kinds.versions(GroupKind("example.com", "Widget")) == ("v1", "v1beta1")
    info = kinds.typed("wd")
    assert info is not None
    assert [entry.name for entry in info.subresources] == ["status"]
    assert KINDS.typed("wd") is None


def test_a_deleted_definition_takes_all_versions_away() -> None:
    kinds = KINDS.including(custom_kinds(WIDGETS)).without("example.com", "widgets")
    assert kinds.typed("widgets") is None
    assert kinds.of(CRON_JOB) is not None


def test_including_a_kind_again_replaces_it() -> None:
    info = KindInfo("example.com", "v1", "Widget", "widgets", "widget", namespaced=False)
    again = KindInfo("example.com", "v1", "Widget", "widgets", "widget", namespaced=True)
    kinds = KINDS.including([info]).including([again])
    assert [entry for entry in kinds if entry.kind == "Widget"] == [again]
