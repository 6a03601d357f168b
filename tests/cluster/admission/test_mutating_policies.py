"""What MutatingAdmissionPolicies make of objects."""

from typing import Any

import pytest
from tests.cluster.api.conftest import Client

GROUP = "/apis/admissionregistration.k8s.io/v1"
PODS = "/api/v1/namespaces/default/pods"
RULE = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE"],
    "resources": ["pods"],
}


def applied(expression: str) -> dict[str, Any]:
    kind = "ApplyConfiguration"
    return {"patchType": kind, "applyConfiguration": {"expression": expression}}


def patched(expression: str) -> dict[str, Any]:
    return {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}


def bound(api: Client, *mutations: dict[str, Any], **spec: Any) -> None:
    policy = {
        "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {"resourceRules": [RULE]},
            "mutations": list(mutations),
            "reinvocationPolicy": "Never",
            **spec,
        },
    }
    answer = api("POST", f"{GROUP}/mutatingadmissionpolicies", policy)
    assert answer.status == 201, answer.body
    binding = {"metadata": {"name": "b"}, "spec": {"policyName": "p"}}
    assert api("POST", f"{GROUP}/mutatingadmissionpolicybindings", binding).status == 201


def pod() -> dict[str, Any]:
    return {
        "metadata": {"name": "a", "labels": {"app": "x"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }


def test_fields_are_applied_and_keyed_lists_merged(api: Client) -> None:
    expression = (
        "Object{metadata: Object.metadata{labels: {'seen': 'yes'}}, spec: Object.spec{"
        "initContainers: [Object.spec.initContainers{name: 'side', image: 'mesh'}], "
        "containers: [Object.spec.containers{name: 'c', tty: true}]}}"
    )
    bound(api, applied(expression))
    made = api.json("POST", PODS, pod())
    assert made["metadata"]["labels"] == {"app": "x", "seen": "yes"}
    assert made["spec"]["initContainers"][0]["imagePullPolicy"] == "Always"
    (container,) = made["spec"]["containers"]
    assert (container["image"], container["tty"]) == ("i", True)


def test_a_json_patch_sees_variables_and_what_was_changed_before(api: Client) -> None:
    first = "[JSONPatch{op: 'add', path: '/metadata/labels/one', value: variables.who}]"
    second = "has(object.metadata.labels.one) ? "
    second += "[JSONPatch{op: 'add', path: '/metadata/labels/two', value: 'b'}] : []"
    bound(
        api,
        patched(first),
        patched(second),
        variables=[{"name": "who", "expression": "request.userInfo.username"}],
    )
    labels = api.json("POST", PODS, pod())["metadata"]["labels"]
    assert labels == {"app": "x", "one": "admin", "two": "b"}


@pytest.mark.parametrize(("policy", "status"), [("Fail", 403), ("Ignore", 201)])
def test_a_policy_that_fails_refuses_unless_it_may_be_ignored(
    api: Client, policy: str, status: int
) -> None:
    bound(api, patched("[JSONPatch{op: object.none}]"), failurePolicy=policy)
    answer = api.json("POST", PODS, pod())
    assert answer.get("code", 201) == status
    if status == 403:
        assert "policy 'p' with binding 'b' denied request: " in answer["message"]
