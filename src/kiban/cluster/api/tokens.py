"""Tokens for service accounts, and what a token is good for.

Source: kubernetes/pkg/registry/core/serviceaccount/storage/token.go. The claims are made here;
signing them needs a key, which lives with the adapter.
"""

from dataclasses import replace

from kiban.cluster.api import bodies, rendering
from kiban.cluster.api.acts import TOKEN_REQUEST, act_of
from kiban.cluster.api.failures import (
    Failure,
    bad_request,
    conflict,
    invalid,
    not_found,
    wrong_value,
)
from kiban.cluster.api.negotiation import form_of
from kiban.cluster.api.options import call_of
from kiban.cluster.api.routing import Target
from kiban.cluster.api.values import Request, Response
from kiban.cluster.api.world import World
from kiban.cluster.authorization.accounts import API_AUDIENCE
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import SERVICE_ACCOUNT, Key, Manifest, get_in
from kiban.primitives.instants import Instant, later, rfc3339

ISSUER = API_AUDIENCE
AUDIENCE = API_AUDIENCE
DEFAULT_SECONDS = 3600
SHORTEST_SECONDS = 600
LONGEST_SECONDS = 1 << 32


def request(
    world: World, received: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    """POST of a TokenRequest: the same object with a token in its status."""
    call_of(received, now, "CreateOptions")
    asked = bodies.check_type(act_of(received, TOKEN_REQUEST), TOKEN_REQUEST)
    account = world.store.get(Key(*SERVICE_ACCOUNT, target.namespace, target.name))
    if account is None:
        raise not_found(info, target.name)
    if world.tokens is None:
        raise Failure(500, "InternalError", "Internal error occurred: tokens cannot be signed")
    spec = dict(asked.get("spec") or {})
    seconds = spec.get("expirationSeconds", DEFAULT_SECONDS)
    _check_lifetime(seconds)
    audiences = spec.get("audiences") or [AUDIENCE]
    spec.update(expirationSeconds=seconds, audiences=audiences)
    spec.setdefault("boundObjectRef", None)
    end = later(now, seconds)
    bound = _bound(world, account, spec["boundObjectRef"])
    claims = claims_of(account, audiences, now, end, bound)
    meta = account["metadata"]
    answer = {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "uid": meta["uid"],
            "creationTimestamp": rfc3339(now),
        },
        "spec": spec,
        "status": {"token": world.tokens.sign(claims), "expirationTimestamp": rfc3339(end)},
    }
    return rendering.value_response(answer, form_of(received.headers.get("accept", "")), 201)


def _bound(world: World, account: Manifest, reference: Manifest | None) -> Manifest | None:
    """The object that a token is to end with, which must be there and be the one that is meant."""
    if reference is None:
        return None
    kind, name = reference.get("kind", ""), reference.get("name", "")
    if reference.get("apiVersion") != "v1" or kind not in ("Pod", "Secret", "Node"):
        named = f"{reference.get('apiVersion', '')}, Kind={kind}"
        raise bad_request(f"cannot bind token to object of type /{named}")
    owner = account["metadata"]
    key = Key("", kind, "" if kind == "Node" else owner["namespace"], name)
    found, info = world.store.get(key), world.registry.info_of(key)
    if found is None:
        raise not_found(info, name)
    if kind == "Pod" and get_in(found, "spec", "serviceAccountName") != owner["name"]:
        raise bad_request(
            f'cannot bind token for serviceaccount "{owner["name"]}" to pod running with '
            "different serviceaccount name."
        )
    uid = found["metadata"]["uid"]
    if reference.get("uid") and reference["uid"] != uid:
        why = (
            f"the UID in the bound object reference ({reference['uid']}) does not match the UID "
            "in record. The object might have been deleted and then recreated"
        )
        raise conflict(replace(info, plural=kind), name, why)
    return {"kind": kind, "name": name, "uid": uid}


def _check_lifetime(seconds: int) -> None:
    field = "spec.expirationSeconds"
    if seconds < SHORTEST_SECONDS:
        why = "may not specify a duration less than 10 minutes"
        raise invalid(TOKEN_REQUEST, "", [wrong_value(field, str(seconds), why)])
    if seconds > LONGEST_SECONDS:
        why = "may not specify a duration larger than 2^32 seconds"
        raise invalid(TOKEN_REQUEST, "", [wrong_value(field, str(seconds), why)])


def claims_of(
    account: Manifest, audiences: list[str], now: Instant, end: Instant, bound: Manifest | None
) -> Manifest:
    """The claims of a service account's token."""
    meta = account["metadata"]
    private: Manifest = {
        "namespace": meta["namespace"],
        "serviceaccount": {"name": meta["name"], "uid": meta["uid"]},
    }
    if bound:
        kind = str(bound.get("kind", "")).lower()
        private[kind] = {"name": get_in(bound, "name"), "uid": get_in(bound, "uid")}
    issued = now // 1_000_000
    return {
        "aud": audiences,
        "exp": end // 1_000_000,
        "iat": issued,
        "nbf": issued,
        "iss": ISSUER,
        "kubernetes.io": private,
        "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
    }
