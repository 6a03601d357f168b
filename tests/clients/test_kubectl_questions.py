"""kubectl asks: what there is, what one may do, what is used, what happened; unmodified."""

import json
import shutil
import subprocess
import urllib.request

import pytest
from tests.clients.conftest import Running, deployment, until

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


def test_explain_knows_types_and_what_is_required(cluster: Running) -> None:
    port = cluster.kubectl("explain", "pod.spec.containers.ports")
    assert "FIELD: ports <[]ContainerPort>" in port
    assert "containerPort\t<integer> -required-" in port
    whole = cluster.kubectl("explain", "deployment", "--recursive")
    assert "GROUP:      apps" in whole and "terminationGracePeriodSeconds\t<integer>" in whole
    other = cluster.kubectl("explain", "hpa.spec", "--api-version=autoscaling/v1")
    assert "targetCPUUtilizationPercentage" in other
    old = cluster.kubectl("explain", "service.spec.ports", "--output=plaintext-openapiv2")
    assert "nodePort\t<integer>" in old
    refused = cluster.run("explain", "pod.spec.nothing")
    assert 'field "nothing" does not exist' in refused.stderr


def test_everything_that_is_served_is_listed(cluster: Running) -> None:
    names = cluster.kubectl("api-resources", "-o", "name").split()
    assert {"pods", "deployments.apps", "ingresses.networking.k8s.io"} <= set(names)
    wide = cluster.kubectl("api-resources", "-o", "wide", "--namespaced=false", "--no-headers")
    node = next(line for line in wide.splitlines() if line.startswith("nodes "))
    assert "no" in node.split() and "create,delete,deletecollection,get,list" in node
    short = cluster.kubectl("api-resources", "--verbs=list", "--categories=all", "-o", "name")
    assert "deployments.apps" in short.split() and "secrets" not in short.split()
    assert {"v1", "apps/v1", "batch/v1"} <= set(cluster.kubectl("api-versions").split())
    assert cluster.facts["server"] in cluster.kubectl("cluster-info")
    assert "Server Version: v1." in cluster.kubectl("version")


def test_rights_are_told(cluster: Running) -> None:
    assert cluster.kubectl("auth", "can-i", "delete", "nodes") == "yes\n"
    refused = cluster.run("auth", "can-i", "create", "pods", "--as=nobody-special")
    assert (refused.returncode, refused.stdout) == (1, "no\n")
    cluster.kubectl("create", "role", "looking", "--verb=get,list", "--resource=pods/log,pods")
    cluster.kubectl("create", "rolebinding", "looking", "--role=looking", "--user=looker")
    asked = ("auth", "can-i", "--as=looker")
    assert cluster.kubectl(*asked, "list", "pods", "--subresource=log") == "yes\n"
    assert cluster.run(*asked, "list", "pods", "-A").returncode == 1
    listed = cluster.kubectl(*asked, "--list", "--no-headers")
    (pods,) = [line for line in listed.splitlines() if line.startswith("pods ")]
    assert pods.split()[-2:] == ["[get", "list]"]
    denied = cluster.run("--as=looker", "get", "secrets")
    assert 'User "looker" cannot list resource "secrets"' in denied.stderr
    cluster.kubectl("delete", "role/looking", "rolebinding/looking")
    me = json.loads(cluster.kubectl("auth", "whoami", "-o", "json"))
    assert "system:masters" in me["status"]["userInfo"]["groups"]


def test_auth_reconcile_adds_what_a_role_lacks(cluster: Running) -> None:
    cluster.kubectl("create", "role", "grown", "--verb=get", "--resource=pods")
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": rules}
    whole = {**role, "metadata": {"name": "grown", "namespace": "default"}}
    said = cluster.kubectl("auth", "reconcile", "-f", "-", given=json.dumps(whole))
    assert said == "role.rbac.authorization.k8s.io/grown reconciled\n"
    found = json.loads(cluster.kubectl("get", "role", "grown", "-o", "json"))
    assert sorted(verb for rule in found["rules"] for verb in rule["verbs"]) == ["get", "list"]
    cluster.kubectl("delete", "role", "grown")


def test_what_happened_is_told_by_object_and_in_order(cluster: Running) -> None:
    cluster.apply(deployment("told", replicas=1))
    cluster.kubectl("rollout", "status", "deployment/told", "--timeout=20s")
    happened = cluster.kubectl("events", "--for=deployment/told", "--types=Normal")
    assert "ScalingReplicaSet" in happened and "Scaled up replica set told-" in happened
    selector = "--field-selector=reason=ScalingReplicaSet,involvedObject.name=told"
    listed = cluster.kubectl("get", "events", selector, "--sort-by=.lastTimestamp", "-o", "wide")
    assert len(listed.splitlines()) == 2
    cluster.kubectl("delete", "deployment", "told")


def test_describe_tells_an_objects_story(cluster: Running) -> None:
    cluster.apply(deployment("described", replicas=1))
    cluster.kubectl("expose", "deployment", "described", "--port=80")
    cluster.kubectl("rollout", "status", "deployment/described", "--timeout=20s")
    story = cluster.kubectl("describe", "deployment", "described")
    assert "1 desired | 1 updated | 1 total | 1 available" in story
    assert "Scaled up replica set" in story
    assert "Scheduled" in cluster.kubectl("describe", "pod", "-l", "app=described")
    until(lambda: "Endpoints:                127" in cluster.kubectl("describe", "svc/described"))
    node = cluster.kubectl("describe", "node", "web-1")
    assert "Non-terminated Pods:" in node and "Allocated resources:" in node
    assert "No resource quota." in cluster.kubectl("describe", "namespace", "default")
    cluster.kubectl("delete", "deployment/described", "service/described")


def test_top_tells_what_nodes_and_containers_use(cluster: Running) -> None:
    until(lambda: cluster.run("top", "pods", "--no-headers").returncode == 0)
    (line,) = cluster.kubectl("top", "pod", "web", "--containers", "--no-headers").splitlines()
    name, container, processor, memory = line.split()
    assert (name, container) == ("web", "app")
    assert processor.endswith("m") and int(memory.removesuffix("Mi")) > 0
    nodes = cluster.kubectl("top", "nodes", "--no-headers").splitlines()
    assert sorted(line.split()[0] for line in nodes) == ["web-1", "web-2"]


def test_paths_are_read_raw_and_through_a_proxy(cluster: Running) -> None:
    assert cluster.kubectl("get", "--raw", "/readyz") == "ok"
    cluster.kubectl("expose", "pod", "web", "--port=80", "--target-port=8080")
    services, pods = "/api/v1/namespaces/default/services", "/api/v1/namespaces/default/pods"
    until(lambda: cluster.run("get", "--raw", f"{services}/web/proxy/").returncode == 0)
    for path in (
        f"{services}/web:80",
        f"{services}/http:web:80",
        f"{pods}/web",
        f"{pods}/web:8080",
    ):
        said = cluster.kubectl("get", "--raw", f"{path}/proxy/a%20b/c?d=e")
        assert said == "you asked for /a%20b/c?d=e"
    refused = cluster.run("get", "--raw", f"{pods}/web:9/proxy/x")
    assert "error trying to reach service: dial tcp" in refused.stderr
    refused = cluster.run("get", "--raw", f"{services}/web:81/proxy/x")
    assert 'no service port 81 found for service "web"' in refused.stderr
    assert cluster.kubectl("get", "--raw", "/api/v1/nodes/web-1/proxy/healthz") == "ok"
    proxy = subprocess.Popen(
        ["kubectl", "proxy", "--port=0"],
        env=cluster.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert proxy.stdout is not None
        address = proxy.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"http://{address}{services}/web/proxy/", timeout=10) as page:
            assert page.read() == b"you asked for /"
    finally:
        proxy.terminate()
        proxy.communicate(timeout=10)
    cluster.kubectl("delete", "service", "web")


def test_nodes_are_tainted_and_freed(cluster: Running) -> None:
    cluster.kubectl("taint", "node", "web-1", "kept=for:NoSchedule")
    path = "jsonpath={.spec.taints}"
    taints = json.loads(cluster.kubectl("get", "node", "web-1", "-o", path))
    assert taints == [{"key": "kept", "value": "for", "effect": "NoSchedule"}]
    refused = cluster.run("taint", "node", "web-1", "kept=other:NoSchedule")
    assert refused.returncode == 1 and "already has kept taint" in refused.stderr
    assert "untainted" in cluster.kubectl("taint", "node", "web-1", "kept-")
    assert cluster.kubectl("get", "node", "web-1", "-o", path) == ""


def test_a_certificate_request_is_approved_or_denied(cluster: Running) -> None:
    pem = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K"
    listed = cluster.run("get", "csr")
    assert listed.returncode == 0, listed.stderr
    refused = cluster.run("certificate", "approve", "never-was")
    assert 'certificatesigningrequests.certificates.k8s.io "never-was" not found' in refused.stderr
    spec = {"request": pem, "signerName": "example.com/own", "usages": ["client auth"]}
    kind = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    text = json.dumps({**kind, "metadata": {"name": "asked"}, "spec": spec})
    made = cluster.run("create", "-f", "-", given=text)
    assert made.returncode == 1 and "spec.request" in made.stderr
