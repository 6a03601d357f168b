"""Acting as others: who may, as whom, and with which groups."""

from typing import Any

import orjson
import pytest

from kiban.cluster.api.calls import User
from kiban.cluster.api.values import Request, Response

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
ADMIN = User("admin", ("system:masters",))
ANN = User("ann", ("system:authenticated",))
SHOP = "system:serviceaccount:shop:cart"


def asked(api: Any, user: User, **headers: str) -> Response:
    """Ask who one is, with headers such as `impersonate_user`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["content-type"] = "application/json"
    request = Request("POST", WHO, (), named, orjson.dumps(REVIEW), user)
    found: Response = api.cluster.handle(request, api.now)
    return found


def who(answer: Response) -> tuple[str, list[str]]:
    info = orjson.loads(answer.body)["status"]["userInfo"]
    return info["username"], info["groups"]


@pytest.mark.parametrize(
    ("headers", "groups"),
    [
        ({"impersonate_user": "bob"}, ["system:authenticated"]),
        (
            {"impersonate_user": "bob", "impersonate_group": "devs\nops, and more"},
            ["devs", "ops, and more", "system:authenticated"],
        ),
        (
            {"impersonate_user": SHOP},
            ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
        ),
    ],
)
def test_an_administrator_is_whomever_they_name(
    api: Any, headers: dict[str, str], groups: list[str]
) -> None:
    assert who(asked(api, ADMIN, **headers)) == (headers["impersonate_user"], groups)


def test_each_thing_that_is_put_on_needs_its_right(api: Any) -> None:
    assert asked(api, ANN, impersonate_user="bob").status == 403
    let_impersonate(api, "users", "bob")
    assert asked(api, ANN, impersonate_user="bob").status == 201
    assert asked(api, ANN, impersonate_user="eve").status == 403
    for more in ({"impersonate_group": "system:masters"}, {"impersonate_uid": "1"}):
        assert asked(api, ANN, impersonate_user="bob", **more).status == 403
    assert asked(api, ANN, impersonate_user="bob", impersonate_extra_scopes="all").status == 403
    assert asked(api, ANN, impersonate_user=SHOP).status == 403


def test_groups_of_nobody_are_an_error(api: Any) -> None:
    answer = asked(api, ADMIN, impersonate_group="devs")
    assert answer.status == 500
    assert b"without impersonating a user" in answer.body


def let_impersonate(api: Any, resource: str, name: str) -> None:
    group = "rbac.authorization.k8s.io"
    base = {"apiVersion": f"{group}/v1", "metadata": {"name": "i"}}
    rule = {"apiGroups": [""], "resources": [resource], "verbs": ["impersonate"]}
    role = {**base, "kind": "ClusterRole", "rules": [{**rule, "resourceNames": [name]}]}
    reference = {"apiGroup": group, "kind": "ClusterRole", "name": "i"}
    subjects = [{"kind": "User", "name": ANN.name}]
    binding = {**base, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": subjects}
    assert api("POST", f"/apis/{group}/v1/clusterroles", role).status == 201
    assert api("POST", f"/apis/{group}/v1/clusterrolebindings", binding).status == 201
