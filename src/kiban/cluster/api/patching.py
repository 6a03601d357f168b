"""A patch, in any of its four languages, as a function from the live object to the wished one.

Source: k8s.io/apiserver/pkg/endpoints/handlers/patch.go; B1.8 of the reference.
"""

from collections.abc import Callable
from typing import Any

from kiban.cluster.api.bodies import (
    check_size,
    check_type,
    checked_header,
    duplicate_keys,
    json_value,
    media_type,
    unsupported_media,
)
from kiban.cluster.api.failures import Failure, bad_request
from kiban.cluster.api.values import Request
from kiban.kube.kinds import KindInfo
from kiban.kube.merges.json_patch import json_patch
from kiban.kube.merges.merge_patch import merge_patch
from kiban.kube.merges.refusals import PatchRefused
from kiban.kube.merges.strategic import strategic_merge
from kiban.kube.objects import Manifest
from kiban.kube.schema import shape_of

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def is_apply(request: Request) -> bool:
    return media_type(request) == APPLY_PATCH


def patch_of(request: Request, info: KindInfo) -> tuple[Callable[[Manifest], Manifest], list[str]]:
    """The change a patch makes, and the paths of keys it holds twice. Raises `Failure`."""
    check_size(request)
    media = media_type(request)
    supported = [JSON_PATCH, MERGE_PATCH, APPLY_PATCH]
    if info.type_name:
        supported.insert(2, STRATEGIC_PATCH)
    if media not in supported:
        also = ["application/apply-patch+cbor"] if info.type_name else []
        accepted = ", ".join([*supported, *also])
        raise unsupported_media(
            "the body of the request was in an unknown format - accepted media types include: "
            + accepted
        )
    patch = _parsed(request)
    apply = {JSON_PATCH: _json, MERGE_PATCH: _merge, STRATEGIC_PATCH: _strategic}[media]

    def changed(live: Manifest) -> Manifest:
        try:
            new = apply(live, patch, info)
        except PatchRefused as refusal:
            details: Manifest | None = {} if refusal.code == 422 else None
            raise Failure(refusal.code, refusal.reason, refusal.message, details) from refusal
        if not isinstance(new, dict) or not isinstance(new.get("metadata"), dict):
            raise bad_request("a patch may not take away what makes an object")
        return check_type(checked_header(new, info.kind), info)

    if media != JSON_PATCH and patch is not None and not isinstance(patch, dict):
        raise bad_request("error decoding patch: a merge patch must be an object")
    return changed, list(duplicate_keys(request.body, patch))


def _parsed(request: Request) -> Any:
    try:
        return json_value(request.body)
    except ValueError as error:
        raise bad_request(f"error decoding patch: {error}") from error


def _json(live: Manifest, patch: Any, info: KindInfo) -> Any:
    return json_patch(live, patch)


def _merge(live: Manifest, patch: Any, info: KindInfo) -> Any:
    if patch is None:
        raise bad_request("error decoding patch: a merge patch must be an object")
    return merge_patch(live, patch)


def _strategic(live: Manifest, patch: Any, info: KindInfo) -> Any:
    return strategic_merge(live, patch or {}, shape_of(info))
