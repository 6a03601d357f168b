"""Service accounts as users: who a token says its bearer is, and whether that still holds."""

from typing import Any

from kiban.cluster.api.calls import User
from kiban.cluster.store import Store
from kiban.kube.objects import SERVICE_ACCOUNT, Key, get_in
from kiban.primitives.instants import Instant


def user_of_claims(store: Store, claims: dict[str, Any], now: Instant) -> User | None:
    """The service account that signed claims name; None when they have expired or it is gone."""
    seconds = now / 1_000_000
    if not claims.get("nbf", 0) <= seconds + 1 or seconds >= claims.get("exp", 0):
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
