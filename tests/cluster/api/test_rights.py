"""Who may do what: roles, tokens of service accounts, impersonation."""

from typing import Any

import pytest

from kiban.adapters.api_server.jwt import SignedTokens
from kiban.cluster.api.calls import User
from kiban.primitives.instants import later

ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
TOKEN = "/api/v1/namespaces/default/serviceaccounts/default/token"
ANN = User("ann", ("system:authenticated",))


def rbac(kind: str, name: str, **rest: Any) -> dict[str, Any]:
    version = "rbac.authorization.k8s.io/v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest}


def let_read_pods(api: Any, subject: dict[str, str]) -> None:
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    assert api("POST", f"{ROLES}/roles", rbac("Role", "r", rules=[rule])).status == 201
    binding = rbac("RoleBinding", "b", roleRef=reference, subjects=[subject])
    assert api("POST", f"{ROLES}/rolebindings", binding).status == 201


def test_a_role_gives_what_it_names_where_it_is_bound(api: Any) -> None:
    let_read_pods(api, {"kind": "User", "name": "ann"})
    answers = {
        path: api("GET", path, user=ANN).status
        for path in (
            "/api/v1/namespaces/default/pods",
            "/api/v1/namespaces/kube-system/pods",
            "/api/v1/namespaces/default/secrets",
            "/api/v1/namespaces/default/pods/p/log",
            "/apis",
            "/metrics",
        )
    }
    assert answers == {
        "/api/v1/namespaces/default/pods": 200,
        "/api/v1/namespaces/kube-system/pods": 403,
        "/api/v1/namespaces/default/secrets": 403,
        "/api/v1/namespaces/default/pods/p/log": 403,
        "/apis": 200,
        "/metrics": 403,
    }


def test_a_review_answers_as_the_server_would(api: Any) -> None:
    let_read_pods(api, {"kind": "User", "name": "ann"})

    def may(verb: str) -> bool:
        asked = {"verb": verb, "resource": "pods", "namespace": "default"}
        review = {"spec": {"resourceAttributes": asked}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool(api.json("POST", path, review, user=ANN)["status"]["allowed"])

    assert (may("list"), may("delete")) == (True, False)


def test_a_token_is_its_account_s_until_it_expires_or_the_account_goes(api: Any) -> None:
    cluster = api.cluster
    cluster.tokens = SignedTokens("secret")
    body = {"spec": {"expirationSeconds": 600}}
    token = api.json("POST", TOKEN, body)["status"]["token"]
    user = cluster.user_of_token(token, api.now)
    assert user is not None
    assert user.name == "system:serviceaccount:default:default"
    assert cluster.user_of_token(token, later(api.now, 601)) is None
    assert cluster.user_of_token(token + "x", api.now) is None
    api("DELETE", "/api/v1/namespaces/default/serviceaccounts/default")
    assert cluster.user_of_token(token, api.now) is None


def test_a_token_for_others_is_none_for_this_server(api: Any) -> None:
    api.cluster.tokens = SignedTokens("secret")
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
    spec = {"audiences": ["vault"]}
    token = api.json("POST", TOKEN, {**body, "spec": spec})["status"]["token"]
    assert api.cluster.user_of_token(token, api.now) is None
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    told = [
        api.json("POST", path, {**review, "spec": {"token": token, "audiences": audiences}})
        for audiences in (["vault", "x"], ["x"], [])
    ]
    assert [review["status"].get("authenticated", False) for review in told] == [True, False, False]
    assert told[0]["status"]["audiences"] == ["vault"]


def test_a_token_ends_with_the_object_it_is_bound_to(api: Any) -> None:
    api.cluster.tokens = SignedTokens("secret")
    secrets = "/api/v1/namespaces/default/secrets"
    made = api.json("POST", secrets, {"metadata": {"name": "s"}})
    bound = {"kind": "Secret", "apiVersion": "v1", "name": "s", "uid": made["metadata"]["uid"]}
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
    for other, status in (({"uid": "x"}, 409), ({"name": "t"}, 404), ({"kind": "ConfigMap"}, 400)):
        asked = {**body, "spec": {"boundObjectRef": {**bound, **other}}}
        assert api("POST", TOKEN, asked).status == status
    del bound["uid"]
    token = api.json("POST", TOKEN, {**body, "spec": {"boundObjectRef": bound}})["status"]["token"]
    assert api.cluster.user_of_token(token, api.now) is not None
    api("DELETE", f"{secrets}/s")
    assert api.cluster.user_of_token(token, api.now) is None


@pytest.mark.parametrize("token", ["", "x", "a.b", "a.b.c", "é.é.é", "...."])
def test_nonsense_is_no_token(token: str) -> None:
    assert SignedTokens("secret").read(token) is None


def test_another_key_s_token_is_no_token() -> None:
    assert SignedTokens("one").read(SignedTokens("two").sign({"sub": "x"})) is None
