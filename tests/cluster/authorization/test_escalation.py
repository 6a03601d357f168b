"""Nobody gives rights that he lacks."""

from typing import Any

import pytest
from tests.cluster.api.conftest import Client

from kiban.cluster.api.calls import User

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLES = f"{RBAC}/namespaces/default/roles"
BINDINGS = f"{RBAC}/namespaces/default/rolebindings"
ANN = User("ann", ("system:authenticated",))
GROUP = "rbac.authorization.k8s.io"


def rule(verbs: list[str], resources: list[str], group: str = "") -> dict[str, Any]:
    return {"verbs": verbs, "apiGroups": [group], "resources": resources}


def role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "rules": list(rules)}


def binding(name: str, to: str, user: str = "ann") -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": to},
        "subjects": [{"kind": "User", "apiGroup": GROUP, "name": user}],
    }


@pytest.fixture
def shared(api: Client) -> Client:
    """Ann may read pods, and write roles and bindings."""
    rights = role(
        "ann", rule(["get"], ["pods"]), rule(["create", "update"], ["roles", "rolebindings"], GROUP)
    )
    assert api("POST", ROLES, rights).status == 201
    assert api("POST", BINDINGS, binding("ann", "ann")).status == 201
    return api


def test_a_role_may_hold_what_its_writer_may_do(shared: Client) -> None:
    own = role("own", rule(["get"], ["pods"]))
    assert shared("POST", ROLES, own, user=ANN).status == 201


def test_a_role_that_holds_more_is_refused_by_name(shared: Client) -> None:
    more = role("more", rule(["get"], ["pods", "secrets"]))
    answer = shared.json("POST", ROLES, more, user=ANN)
    assert answer["code"] == 403
    assert answer["message"].startswith(
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "ann" '
        '(groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently '
        "held:\n"
    )
    assert '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}' in answer["message"]


def test_binding_a_stronger_role_is_refused_unless_one_may_bind(shared: Client) -> None:
    assert shared("POST", ROLES, role("strong", rule(["*"], ["*"]))).status == 201
    refused = shared("POST", BINDINGS, binding("grab", "strong"), user=ANN)
    assert refused.status == 403
    allowed = role("binder", rule(["bind", "escalate"], ["roles"], GROUP))
    assert shared("POST", ROLES, allowed).status == 201
    assert shared("POST", BINDINGS, binding("binder", "binder")).status == 201
    assert shared("POST", BINDINGS, binding("grab", "strong"), user=ANN).status == 201
    more = role("more", rule(["*"], ["*"]))
    assert shared("POST", ROLES, more, user=ANN).status == 201
