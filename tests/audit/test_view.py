"""What rules see: effective values, and nothing that cannot be judged."""

from tests.audit.shop import manifests_of, merged, rules_of, sound

from kiban.audit import Surroundings, Verdict, check
from kiban.audit.view import view_of


def test_pods_are_judged_where_they_are_made() -> None:
    owner = "{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, controller: true, uid: u}"
    made = manifests_of(
        "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web-1, namespace: shop, "
        "ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, controller: true}]}\n"
        "spec: {template: {spec: {containers: [{name: app, image: x}]}}}\n---\n"
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web-1-a, namespace: shop, "
        f"ownerReferences: [{owner}]}}\nspec: {{containers: [{{name: app, image: x}}]}}\n"
    )
    assert check([*sound(), *made]) == ()


def test_what_has_the_wrong_types_is_said_and_not_judged_further() -> None:
    pod = "{template: {spec: {containers: none}}}"
    text = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\nspec: {pod}\n"
    [finding] = check(manifests_of(text))
    assert finding.rule == "schema-valid"


def test_an_image_that_names_its_user_is_believed() -> None:
    pod = "{template: {spec: {securityContext: {runAsNonRoot: null}}}}"
    text = f"kind: Deployment\nmetadata: {{name: api}}\nspec: {pod}"
    assert "run-as-non-root" in rules_of(text)
    told = Surroundings(image_users={"registry.example/api:v1": "10001"})
    assert "run-as-non-root" not in {one.rule for one in check(merged(text), around=told)}


def test_what_is_not_among_the_manifests_is_unknown() -> None:
    text = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: lone}\n"
        "spec: {selector: {app: lone}, ports: [{port: 80}]}\n"
    )
    [finding] = check(manifests_of(text))
    assert (finding.rule, finding.verdict) == ("service-dangling", Verdict.UNKNOWN)


def test_requests_of_a_whole_pod_are_those_of_its_containers() -> None:
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: "
        "{resources: {requests: {cpu: 1}, limits: {memory: 1Gi}}, containers: [{name: a}]}}}\n"
    )
    [workload] = view_of(manifests_of(text)).workloads
    [container] = workload.containers
    assert container.amount("requests", "cpu") == "1"
    assert container.amount("requests", "memory") == "1Gi"
