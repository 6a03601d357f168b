"""Namespaces get what they need and lose what they hold, on a real cluster in process."""

from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.namespace import NamespaceController
from kiban.cluster.controllers.root_ca import RootCaController
from kiban.cluster.controllers.service_account import ServiceAccountController
from kiban.kube.objects import CONFIG_MAP, NAMESPACE, POD, SERVICE_ACCOUNT, Key, condition_of
from kiban.primitives.instants import Instant, later
from kiban.reconcile.commands import Bind, Command, Create, Delete, Patch

NOW = Instant(1_800_000_000_000_000)
SHOP = Key(*NAMESPACE, "", "shop")


def cluster() -> Cluster:
    parts = [NamespaceController(), ServiceAccountController(), RootCaController("PEM")]
    made = assembled(7, parts)
    made.bootstrap(NOW)
    run(made, NOW)
    carry_out(made, Create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}))
    return made


def run(made: Cluster, until: Instant) -> None:
    for _ in range(1000):
        due = made.next_due()
        if due is None or due > until:
            return
        made.step(max(due, NOW))
    raise AssertionError("it does not settle")


def carry_out(made: Cluster, *commands: Command) -> None:
    assert made.executor.execute("test", commands, NOW) == ()
    run(made, NOW)


def test_every_namespace_has_a_service_account_and_the_certificate() -> None:
    made = cluster()
    for namespace in ("default", "kube-system", "shop"):
        assert made.store.get(Key(*SERVICE_ACCOUNT, namespace, "default")) is not None
        config = made.store.get(Key(*CONFIG_MAP, namespace, "kube-root-ca.crt"))
        assert config is not None and config["data"] == {"ca.crt": "PEM"}


def test_what_was_deleted_or_changed_comes_back() -> None:
    made = cluster()
    config = Key(*CONFIG_MAP, "shop", "kube-root-ca.crt")
    carry_out(made, Delete(Key(*SERVICE_ACCOUNT, "shop", "default")))
    carry_out(made, Patch(config, {"data": {"ca.crt": "OTHER", "more": "x"}}))
    assert made.store.get(Key(*SERVICE_ACCOUNT, "shop", "default")) is not None
    assert (made.store.get(config) or {})["data"] == {"ca.crt": "PEM"}


def test_a_deleted_namespace_goes_with_all_it_holds() -> None:
    made = cluster()
    carry_out(made, Delete(SHOP))
    run(made, later(NOW, 5))
    assert made.store.get(SHOP) is None
    assert [kind for kind in made.store.kinds() if made.store.list(kind, "shop")] == []


def test_the_rest_of_a_namespace_waits_for_its_pods() -> None:
    made = cluster()
    metadata = {"name": "p", "namespace": "shop"}
    spec = {"containers": [{"name": "c", "image": "i"}]}
    pod = Key(*POD, "shop", "p")
    carry_out(
        made,
        Create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}),
        Bind(pod, "n1"),
        Delete(SHOP),
    )
    run(made, later(NOW, 3))
    namespace = made.store.get(SHOP)
    assert namespace is not None
    assert namespace["status"]["phase"] == "Terminating"
    condition = condition_of(namespace, "NamespaceContentRemaining")
    assert condition is not None and condition["status"] == "True"
    assert made.store.get(Key(*SERVICE_ACCOUNT, "shop", "default")) is not None
    carry_out(made, Delete(pod, grace_seconds=0))
    run(made, later(NOW, 5))
    assert made.store.get(SHOP) is None
