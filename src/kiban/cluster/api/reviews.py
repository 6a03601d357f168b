"""Reviews: kinds that ask who somebody is or what they may do, and hold the answer in their status.

Source: kubernetes/pkg/registry/{authentication,authorization}.
"""

from typing import Any

from kiban.cluster.api import bodies, form, rendering
from kiban.cluster.api.calls import User
from kiban.cluster.api.failures import Failure, wrong_value
from kiban.cluster.api.negotiation import form_of
from kiban.cluster.api.routing import Target
from kiban.cluster.api.values import Request, Response
from kiban.cluster.api.world import World
from kiban.cluster.authorization.accounts import (
    API_AUDIENCE,
    common_audiences,
    user_of_claims,
)
from kiban.cluster.authorization.rights import ADMINISTRATORS, may
from kiban.cluster.authorization.roles import Rule, Wish, rules_of
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest
from kiban.kube.schema import shape_of
from kiban.kube.schema.reading import read
from kiban.primitives.instants import Instant


def who_am_i(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    """SelfSubjectReview."""
    review = _review(request, info)
    return _answered(request, review, {"userInfo": user_info(request.user)})


def user_info(user: User) -> Manifest:
    found = {"username": user.name, "uid": user.uid, "groups": list(user.groups)}
    return {key: value for key, value in found.items() if value}


def may_i(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    """SelfSubjectAccessReview."""
    review = _review(request, info)
    allowed = may(world.store, request.user, _wish(review["spec"]))
    return _answered(request, review, {"allowed": allowed})


def may_they(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    """SubjectAccessReview, and its form for one namespace."""
    review = _review(request, info)
    spec = review["spec"]
    if not spec.get("user") and not spec.get("groups"):
        why = "at least one of user or group must be specified"
        cause = wrong_value("spec.user", '""', why)
        text = f'.authorization.k8s.io "" is invalid: spec.user: {cause["message"]}'
        details = {"group": "authorization.k8s.io", "causes": [cause]}
        raise Failure(422, "Invalid", text, details)
    user = User(spec.get("user") or "", tuple(spec.get("groups") or ()), spec.get("uid") or "")
    shown_spec = {key: value for key, value in spec.items() if value}
    if target.namespace:
        review["metadata"] = {**review["metadata"], "namespace": target.namespace}
    answered = {**review, "spec": shown_spec}
    return _answered(request, answered, {"allowed": may(world.store, user, _wish(spec))})


def what_may_i(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    """SelfSubjectRulesReview."""
    review = _review(request, info)
    namespace = review["spec"].get("namespace", "")
    rules: list[Rule] = list(rules_of(world.store, request.user, namespace))
    if ADMINISTRATORS in request.user.groups:
        rules = [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
            {"verbs": ["*"], "nonResourceURLs": ["*"]},
            *rules,
        ]
    status = {
        "resourceRules": [rule for rule in rules if rule.get("resources")],
        "nonResourceRules": [rule for rule in rules if rule.get("nonResourceURLs")],
        "incomplete": False,
    }
    return _answered(request, review, status)


def whose_token(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    """TokenReview."""
    review = _review(request, info)
    token = review["spec"].get("token", "")
    claims = world.tokens.read(token) if world.tokens is not None else None
    wanted = review["spec"].get("audiences") or [API_AUDIENCE]
    user = user_of_claims(world.store, claims, now, wanted) if claims is not None else None
    if claims is None or user is None:
        return _answered(request, review, {"user": {}, "error": "the token is not valid"})
    audiences = common_audiences(claims, wanted)
    status = {"authenticated": True, "user": user_info(user), "audiences": audiences}
    return _answered(request, review, status)


def _review(request: Request, info: KindInfo) -> Manifest:
    body, _ = bodies.object_of(request, info.kind)
    reading = read(bodies.check_type(body, info), shape_of(info))
    if reading.wrong:
        raise form.Misread(reading.wrong).in_body(info)
    review = reading.object
    return {**review, "spec": review.get("spec") or {}}


def _answered(request: Request, review: Manifest, status: Manifest) -> Response:
    wanted = form_of(request.headers.get("accept", ""))
    return rendering.value_response({**review, "status": status}, wanted, 201)


def _wish(spec: dict[str, Any]) -> Wish:
    path = spec.get("nonResourceAttributes")
    if path:
        return Wish(path.get("verb", ""), path=path.get("path", ""))
    asked = spec.get("resourceAttributes") or {}
    return Wish(
        asked.get("verb", ""),
        asked.get("group", ""),
        asked.get("resource", ""),
        asked.get("subresource", ""),
        asked.get("namespace", ""),
        asked.get("name", ""),
    )
