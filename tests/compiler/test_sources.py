"""The objects of sources in a bundle, and Secrets by reference."""

from typing import Any

import pytest

from kiban.compiler import Bundle, compile_environment
from kiban.compiler.rendered import Rendered, SealedSecret
from kiban.kube.objects import Manifest, labels_of
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform

SERVICE = "image: a\nport: 80\nsecrets: {PASSWORD: db/password, USER: db/user}\n"


def bundle(more: str = "", rendered: Rendered | None = None, **options: Any) -> Bundle:
    files = {
        "platform.yaml": "platform: shop\nenvironments: {dev: {}, prod: {}}\n" + more,
        "services/stamp.yaml": SERVICE,
        "releases/dev.yaml": "stamp: v1\n",
    }
    return compile_environment(load_platform(files), "dev", rendered=rendered, **options)


def thing(kind: str, name: str, api_version: str = "v1", **body: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **body}


def definition(scope: str) -> Manifest:
    spec = {"group": "x.io", "scope": scope, "names": {"kind": "Thing", "plural": "things"}}
    return thing("CustomResourceDefinition", "things.x.io", "apiextensions.k8s.io/v1", spec=spec)


def by_name(found: Bundle) -> dict[str, Manifest]:
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in found.manifests}


def problems(more: str, rendered: Rendered) -> str:
    with pytest.raises(KibanError) as caught:
        bundle(more, rendered)
    return str(caught.value)


def test_objects_get_the_marks_of_their_environment_and_a_namespace() -> None:
    given = (
        thing("ConfigMap", "a"),
        thing("ClusterRole", "b", "rbac.authorization.k8s.io/v1"),
        thing("Thing", "c", "x.io/v1"),
        definition("Cluster"),
    )
    found = by_name(
        bundle("sources: {extra: {path: x, namespace: edge}}\n", Rendered({"extra": given}))
    )
    assert found["ConfigMap/a"]["metadata"]["namespace"] == "edge"
    assert "namespace" not in found["ClusterRole/b"]["metadata"]
    assert "namespace" not in found["Thing/c"]["metadata"]
    assert labels_of(found["ConfigMap/a"]) == {
        "kiban.dev/platform": "shop",
        "kiban.dev/environment": "dev",
        "kiban.dev/service": "extra",
    }
    # Definitions of kinds come first, with the environment itself.
    assert "kiban.dev/service" not in labels_of(found["CustomResourceDefinition/things.x.io"])


def test_what_was_printed_by_a_cluster_loses_what_only_a_cluster_can_say() -> None:
    printed = thing("ConfigMap", "a", status={"x": 1})
    printed["metadata"] |= {"uid": "1", "resourceVersion": "7", "creationTimestamp": None}
    found = by_name(bundle("sources: {extra: x}\n", Rendered({"extra": (printed,)})))["ConfigMap/a"]
    assert sorted(found["metadata"]) == ["labels", "name", "namespace"]
    assert "status" not in found


def test_services_wait_for_a_source_that_is_first() -> None:
    more = "sources: {base: {path: x, first: true}, extra: y}\n"
    found = bundle(more, Rendered({"base": (thing("ConfigMap", "a"),), "extra": ()}))
    assert found.needs == {
        "base": frozenset(),
        "extra": frozenset({"base"}),
        "stamp": frozenset({"base"}),
    }


def test_an_object_that_is_made_twice_is_a_problem() -> None:
    given = Rendered({"one": (thing("Service", "stamp"),), "two": (thing("ConfigMap", "x"),)})
    assert "made by the services and by the source 'one'" in problems(
        "sources: {one: x, two: y}\n", given
    )
    both = Rendered({"one": (thing("ConfigMap", "x"),), "two": (thing("ConfigMap", "x"),)})
    assert "by the source 'one' and by the source 'two'" in problems(
        "sources: {one: x, two: y}\n", both
    )


def test_a_source_has_a_name_of_its_own() -> None:
    assert "'stamp' is a service and a source" in problems("sources: {stamp: x}\n", Rendered())


def test_a_source_is_only_where_it_is_said_to_be() -> None:
    found = bundle("sources: {extra: {path: x, only: prod}}\n", Rendered())
    assert "extra" not in found.needs


def test_a_path_does_not_lead_out_of_the_repo() -> None:
    assert "leads out of the repo" in problems("sources: {extra: ../x}\n", Rendered())


def test_external_secrets_name_the_store_and_every_key() -> None:
    more = "secrets: {by: external-secrets, store: vault, key: '{platform}/{secret}'}\n"
    found = by_name(bundle(more, Rendered()))["ExternalSecret/db"]
    assert found["apiVersion"] == "external-secrets.io/v1"
    assert found["spec"]["secretStoreRef"] == {"name": "vault", "kind": "ClusterSecretStore"}
    assert found["spec"]["target"]["name"] == "db"
    assert found["spec"]["data"] == [
        {"secretKey": key, "remoteRef": {"key": "shop/db", "property": key}}
        for key in ("password", "user")
    ]
    # Whoever waits for it waits as a service, so that one missing Secret holds up one service.
    assert "kiban.dev/service" not in labels_of(found)


def test_on_the_embedded_cluster_secrets_are_made_instead() -> None:
    found = bundle("secrets: {by: external-secrets, store: v}\n", Rendered(), local=True)
    assert "ExternalSecret/db" not in by_name(found)
    assert found.secrets[0].generate == ("password", "user")


def test_sealed_secrets_are_delivered_as_they_are_and_checked_for_every_key() -> None:
    sealed = thing("SealedSecret", "db", "bitnami.com/v1alpha1")
    sealed["spec"] = {"encryptedData": {"password": "AgB", "user": "AgC"}}
    found = by_name(bundle("secrets: sealed-secrets\n", Rendered(secrets=(sealed,))))
    assert found["SealedSecret/db"]["spec"] == sealed["spec"]
    sealed["spec"] = {"encryptedData": {"password": "AgB"}}
    assert "the file of the Secret 'db' lacks user" in problems(
        "secrets: sealed-secrets\n", Rendered(secrets=(sealed,))
    )
    assert "holds the Secret 'db'" in problems("secrets: sealed-secrets\n", Rendered())


def test_files_of_sops_stay_in_cipher_in_the_bundle() -> None:
    cipher = thing("Secret", "db", data={"password": "ENC[1]", "user": "ENC[2]"}, sops={})
    found = bundle("secrets: sops\n", Rendered(sealed=(SealedSecret(cipher, "the text"),)))
    [need] = found.secrets
    assert (need.name, need.keys, need.sealed) == ("db", ("password", "user"), "the text")
    assert not any(one["kind"] == "Secret" for one in found.manifests)


def test_a_value_that_sops_left_in_clear_is_refused_without_being_repeated() -> None:
    cipher = thing(
        "Secret", "db", data={"password": "ENC[1]"}, stringData={"user": "hush"}, sops={}
    )
    said = problems("secrets: sops\n", Rendered(sealed=(SealedSecret(cipher, "t", "s/db.yaml"),)))
    assert "the value of 'user' in s/db.yaml is not encrypted" in said
    assert "hush" not in said


def test_an_environment_may_get_its_secrets_otherwise() -> None:
    more = "secrets: {by: external-secrets, store: vault}\n"
    files = {
        "platform.yaml": "platform: shop\nenvironments: {dev: {secrets: others}, prod: {}}\n"
        + more,
        "services/stamp.yaml": SERVICE,
        "releases/dev.yaml": "stamp: v1\n",
        "releases/prod.yaml": "stamp: v1\n",
    }
    platform = load_platform(files)
    kinds = {
        name: {
            one["kind"]
            for one in compile_environment(platform, name, rendered=Rendered()).manifests
        }
        for name in ("dev", "prod")
    }
    assert "ExternalSecret" not in kinds["dev"]
    assert "ExternalSecret" in kinds["prod"]
