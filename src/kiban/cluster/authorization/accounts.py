"""Service accounts as users: who a token says its bearer is, and whether that still holds."""

from collections.abc import Sequence
from typing import Any

from kiban.cluster.api.calls import User
from kiban.cluster.store import Store
from kiban.kube.objects import NODE, POD, SECRET, SERVICE_ACCOUNT, Key, get_in
from kiban.primitives.instants import Instant

API_AUDIENCE = "https://kubernetes.default.svc"
# The kinds to which a token may be bound: it ends when that very object goes.
_BOUND = {"pod": POD, "secret": SECRET, "node": NODE}


def user_of_claims(
    store: Store, claims: dict[str, Any], now: Instant, audiences: Sequence[str] = (API_AUDIENCE,)
) -> User | None:
    """The service account that signed claims name; None when they have expired, were made for
    somebody else to read, or what they stand on is gone."""
    seconds = now / 1_000_000
    if not claims.get("nbf", 0) <= seconds + 1 or seconds >= claims.get("exp", 0):
        return None
    if not common_audiences(claims, audiences) or not _bound_is_there(store, claims):
        return None
    namespace = get_in(claims, "kubernetes.io", "namespace", default="")
    name = get_in(claims, "kubernetes.io", "serviceaccount", "name", default="")
    uid = get_in(claims, "kubernetes.io", "serviceaccount", "uid", default="")
    account = store.get(Key(*SERVICE_ACCOUNT, namespace, name))
    if account is None or account["metadata"]["uid"] != uid:
        return None
    groups = (
        "system:serviceaccounts",
        f"system:serviceaccounts:{namespace}",
        "system:authenticated",
    )
    return User(f"system:serviceaccount:{namespace}:{name}", groups, uid)


def common_audiences(claims: dict[str, Any], audiences: Sequence[str]) -> list[str]:
    """Those of the audiences that a token was made for."""
    made_for = claims.get("aud", ())
    return [audience for audience in audiences if audience in made_for]


def _bound_is_there(store: Store, claims: dict[str, Any]) -> bool:
    private = get_in(claims, "kubernetes.io", default={})
    for part, kind in _BOUND.items():
        bound = private.get(part)
        if not bound:
            continue
        namespace = "" if kind == NODE else private.get("namespace", "")
        found = store.get(Key(*kind, namespace, bound.get("name") or ""))
        if found is None or found["metadata"]["uid"] != bound.get("uid"):
            return False
    return True
