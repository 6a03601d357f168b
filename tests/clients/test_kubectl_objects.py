"""kubectl creates, changes, shows and removes objects, unmodified."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clients.conftest import Running, deployment, until

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
SPACE = "objects"


@pytest.fixture(scope="module")
def space(cluster: Running) -> Iterator[Running]:
    """The cluster, seen from a namespace of these tests' own."""
    cluster.kubectl("create", "namespace", SPACE)
    yield cluster
    cluster.kubectl("delete", "namespace", SPACE, "--timeout=20s")


def do(cluster: Running, *words: str, given: str = "") -> str:
    return cluster.kubectl("-n", SPACE, *words, given=given)


@pytest.mark.parametrize(
    "words",
    [
        "deployment made --image=modelled:1 --replicas=1 --port=80",
        "configmap made --from-literal=a=b",
        "secret generic made --from-literal=a=b",
        "secret docker-registry made-too --docker-username=a --docker-password=b",
        "quota made --hard=pods=50 --scopes=NotTerminating",
        "role made --verb=get,list --resource=pods,deployments.apps",
        "rolebinding made --role=made --serviceaccount=objects:default",
        "clusterrole made --verb=get --non-resource-url=/made",
        "clusterrolebinding made --clusterrole=made --user=bob",
        "serviceaccount made",
        "poddisruptionbudget made --selector=app=made --min-available=1",
        "priorityclass made --value=1000 --description=made",
        "ingress made --rule=a.example/x*=made:80,tls=made",
        "cronjob made --image=modelled:1 --schedule=@daily -- date",
        "job made --from=cronjob/made",
        "service clusterip made --tcp=80:8080",
        "service nodeport made-open --tcp=80",
        "service loadbalancer made-public --tcp=80",
        "service externalname made-else --external-name=a.example",
    ],
    ids=lambda words: "-".join(word for word in words.split(" ")[:2] if word != "made"),
)
def test_create_makes_what_it_says(space: Running, words: str) -> None:
    made = json.loads(do(space, "create", "-o", "json", *words.split(" ")))
    assert made["metadata"]["uid"] and made["metadata"]["resourceVersion"]


def test_a_dry_run_leaves_nothing(space: Running) -> None:
    said = do(space, "create", "configmap", "dry", "--dry-run=server")
    assert said == "configmap/dry created (server dry run)\n"
    assert space.run("-n", SPACE, "get", "configmap", "dry").returncode == 1


def test_a_token_is_made_for_an_account(space: Running) -> None:
    token = do(space, "create", "token", "default", "--duration=10m").strip()
    said = space.kubectl("--token", token, "auth", "whoami", "-o", "json", KUBECONFIG=_bare(space))
    assert json.loads(said)["status"]["userInfo"]["username"] == (
        f"system:serviceaccount:{SPACE}:default"
    )


def test_apply_says_what_it_did_and_diff_what_it_would_do(space: Running) -> None:
    text = json.dumps(deployment("applied", SPACE))
    apply, diff = ("apply", "-f", "-"), ("-n", SPACE, "diff", "-f", "-")
    assert do(space, *apply, given=text) == "deployment.apps/applied created\n"
    assert do(space, *apply, given=text) == "deployment.apps/applied unchanged\n"
    assert space.run(*diff, given=text).returncode == 0
    changed = text.replace('"replicas": 2', '"replicas": 3')
    found = space.run(*diff, given=changed)
    assert found.returncode == 1
    assert "-  replicas: 2" in found.stdout and "+  replicas: 3" in found.stdout
    assert do(space, *apply, given=changed) == "deployment.apps/applied configured\n"
    shown = do(space, "apply", "view-last-applied", "deployment/applied", "-o", "json")
    assert json.loads(shown)["spec"]["replicas"] == 3


def test_two_managers_quarrel_over_a_field_until_one_forces_it(space: Running) -> None:
    mine, theirs = deployment("shared", SPACE), deployment("shared", SPACE, replicas=5)
    apply = ("apply", "--server-side", "-f", "-", "--field-manager")
    done = do(space, *apply, "me", given=json.dumps(mine))
    assert done == "deployment.apps/shared serverside-applied\n"
    refused = space.run("-n", SPACE, *apply, "them", given=json.dumps(theirs))
    assert refused.returncode == 1
    assert 'Apply failed with 1 conflict: conflict with "me": .spec.replicas' in refused.stderr
    do(space, *apply, "them", "--force-conflicts", given=json.dumps(theirs))
    managed = do(space, "get", "deployment", "shared", "-o", "json", "--show-managed-fields")
    owners = json.loads(managed)["metadata"]["managedFields"]
    replicas = [o["manager"] for o in owners if "f:replicas" in o["fieldsV1"].get("f:spec", {})]
    assert "them" in replicas and "me" not in replicas


def test_every_kind_of_patch_changes_its_part(space: Running) -> None:
    do(space, "apply", "-f", "-", given=json.dumps(deployment("patched", SPACE)))
    patch = ("patch", "deployment", "patched")
    container = {"name": "app", "env": [{"name": "A", "value": "1"}]}
    strategic = {"spec": {"template": {"spec": {"containers": [container]}}}}
    do(space, *patch, "-p", json.dumps(strategic))
    do(space, *patch, "--type=merge", "-p", '{"metadata": {"labels": {"x": "y"}}}')
    replace = [{"op": "replace", "path": "/metadata/labels/x", "value": "z"}]
    do(space, *patch, "--type=json", "-p", json.dumps(replace))
    scale = ("--subresource=scale", "--type=merge", "-p", '{"spec": {"replicas": 1}}')
    do(space, *patch, *scale)
    found = json.loads(do(space, "get", "deployment", "patched", "-o", "json"))
    (app,) = found["spec"]["template"]["spec"]["containers"]
    assert (app["image"], app["env"]) == ("modelled:1", [{"name": "A", "value": "1"}])
    assert (found["metadata"]["labels"], found["spec"]["replicas"]) == ({"x": "z"}, 1)
    assert "(no change)" in do(space, *patch, *scale)


def test_labels_and_annotations_come_change_and_go(space: Running) -> None:
    do(space, "create", "configmap", "marked")
    for verb, field in (("label", "labels"), ("annotate", "annotations")):
        at = (verb, "configmap", "marked")
        do(space, *at, "a=b", "c=d")
        refused = space.run("-n", SPACE, *at, "a=x")
        assert refused.returncode == 1 and "--overwrite is false" in refused.stderr
        do(space, *at, "a=x", "c-", "--overwrite")
        path = f"jsonpath={{.metadata.{field}}}"
        assert json.loads(do(space, "get", "configmap", "marked", "-o", path)) == {"a": "x"}


def test_set_changes_what_a_template_holds(space: Running) -> None:
    do(space, "apply", "-f", "-", given=json.dumps(deployment("set", SPACE)))
    do(space, "set", "image", "deployment/set", "app=modelled:2")
    do(space, "set", "env", "deployment/set", "MODE=fast", "GONE-")
    do(space, "set", "resources", "deployment/set", "--limits=cpu=20m", "--requests=memory=8Mi")
    do(space, "set", "serviceaccount", "deployment/set", "default")
    shown = do(space, "set", "env", "deployment/set", "--list")
    assert shown.splitlines() == ["# Deployment set, container app", "MODE=fast"]
    found = json.loads(do(space, "get", "deployment", "set", "-o", "json"))
    spec = found["spec"]["template"]["spec"]
    (app,) = spec["containers"]
    assert (app["image"], spec["serviceAccountName"]) == ("modelled:2", "default")
    assert app["resources"] == {"limits": {"cpu": "20m"}, "requests": {"memory": "8Mi"}}


def test_expose_and_autoscale_follow_a_deployment(space: Running) -> None:
    do(space, "apply", "-f", "-", given=json.dumps(deployment("followed", SPACE)))
    do(space, "expose", "deployment", "followed", "--port=80", "--target-port=8080")
    ready = ("get", "endpointslices", "-l", "kubernetes.io/service-name=followed", "-o", "json")
    until(lambda: len(json.loads(do(space, *ready))["items"][0]["endpoints"] or ()) == 2)
    do(space, "autoscale", "deployment", "followed", "--min=1", "--max=3", "--cpu-percent=50")
    found = json.loads(do(space, "get", "hpa", "followed", "-o", "json"))
    assert found["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    assert "Deployment/followed" in do(space, "describe", "hpa", "followed")
    do(space, "set", "selector", "service", "followed", "app=nobody")


def test_replace_puts_a_whole_object_in_the_others_place(space: Running) -> None:
    one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "replaced"}}
    do(space, "create", "-f", "-", given=json.dumps({**one, "data": {"a": "b"}}))
    do(space, "replace", "-f", "-", given=json.dumps({**one, "data": {"c": "d"}}))
    path = ("-o", "jsonpath={.data}{.metadata.uid}")
    before = do(space, "get", "configmap", "replaced", *path)
    assert before.startswith('{"c":"d"}')
    do(space, "replace", "--force", "-f", "-", given=json.dumps({**one, "data": {"c": "d"}}))
    assert do(space, "get", "configmap", "replaced", *path) != before


def test_a_kustomization_is_applied_compared_and_removed(space: Running, tmp_path: Path) -> None:
    plain = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain"}}
    generator = [{"name": "generated", "literals": ["a=b"]}]
    whole = {"resources": ["plain.yaml"], "namePrefix": "k-", "configMapGenerator": generator}
    (tmp_path / "plain.yaml").write_text(json.dumps(plain))
    (tmp_path / "kustomization.yaml").write_text(json.dumps(whole))
    place = ("-k", str(tmp_path))
    assert "configmap/k-plain created" in do(space, "apply", *place)
    assert space.run("-n", SPACE, "diff", *place).returncode == 0
    assert "name: k-plain" in space.kubectl("kustomize", str(tmp_path))
    assert 'configmap "k-plain" deleted' in do(space, "delete", *place)


def test_get_shows_objects_in_every_form(space: Running) -> None:
    for name, tier in (("shown-a", "front"), ("shown-b", "back")):
        do(space, "create", "configmap", name)
        do(space, "label", "configmap", name, f"tier={tier}", "shown=yes")
    get = ("get", "configmaps", "-l", "shown=yes")
    assert do(space, *get, "-o", "name").split() == ["configmap/shown-a", "configmap/shown-b"]
    columns = "custom-columns=NAME:.metadata.name,TIER:.metadata.labels.tier"
    shown = [line.split() for line in do(space, *get, "-o", columns).splitlines()]
    assert shown == [["NAME", "TIER"], ["shown-a", "front"], ["shown-b", "back"]]
    by_tier = do(space, *get, "--sort-by=.metadata.labels.tier", "-L", "tier", "--no-headers")
    assert [line.split()[0] for line in by_tier.splitlines()] == ["shown-b", "shown-a"]
    assert "shown=yes,tier=front" in do(space, *get, "--show-labels", "-o", "wide")
    template = "{{range .items}}{{.metadata.labels.tier}} {{end}}"
    assert do(space, *get, "-o", f"go-template={template}") == "front back "
    one = do(space, "get", "configmap", "--field-selector=metadata.name=shown-b", "-o", "yaml")
    assert "name: shown-b" in one and "name: shown-a" not in one
    paged = do(space, *get, "--chunk-size=1", "-o", "jsonpath={.items[*].metadata.name}")
    assert paged == "shown-a shown-b"
    everything = do(space, "get", "all", "-A", "-o", "wide")
    assert "service/kubernetes" in everything and "pod/web" in everything


def test_delete_cascades_as_it_is_told(space: Running) -> None:
    def sets(name: str) -> str:
        return do(space, "get", "replicasets", "-l", f"app={name}", "-o", "name")

    for mode in ("foreground", "background", "orphan"):
        do(space, "apply", "-f", "-", given=json.dumps(deployment(mode, SPACE, replicas=1)))
        until(lambda name=mode: sets(name))
        do(space, "delete", "deployment", mode, f"--cascade={mode}", "--timeout=20s")
        if mode == "orphan":
            assert sets(mode)
        else:
            until(lambda name=mode: not sets(name))
    do(space, "delete", "replicasets", "-l", "app=orphan", "--now")
    do(space, "delete", "configmap", "never-was", "--ignore-not-found")


def test_a_watch_shows_what_happens(space: Running) -> None:
    do(space, "create", "configmap", "watched")
    watch = ("get", "configmap", "watched", "--watch", "--output-watch-events", "--no-headers")
    seen = space.run("-n", SPACE, *watch, "--request-timeout=1s")
    assert seen.stdout.split()[:3] == ["ADDED", "watched", "0"]
    do(space, "wait", "--for=create", "configmap/watched", "--timeout=5s")
    do(space, "delete", "configmap", "watched")
    do(space, "wait", "--for=delete", "configmap/watched", "--timeout=5s")


def _bare(cluster: Running) -> str:
    """The kubeconfig without its user."""
    path = cluster.directory / "bare"
    text = Path(cluster.kubeconfig).read_text()
    path.write_text(text.partition("users:")[0])
    cluster.kubectl("config", "set-context", "kiban", "--cluster=kiban", KUBECONFIG=str(path))
    cluster.kubectl("config", "use-context", "kiban", KUBECONFIG=str(path))
    return str(path)
