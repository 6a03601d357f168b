"""The AdmissionReview that a webhook is sent, and what it answers.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/request/admissionreview.go.
"""

from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

import orjson

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.matching import request_of
from kiban.cluster.admission.webhooks.hooks import Hook, place_of
from kiban.cluster.api.failures import Failure
from kiban.cluster.consulting import Question, Reply
from kiban.kube.objects import Manifest

GROUP = "admission.k8s.io"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a webhook says."""

    allowed: bool
    patch: list[Any] | None = None
    status: Manifest = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class NoVerdict(Exception):
    """A webhook that gave no answer that can be used; the text says why."""


def question_about(hook: Hook, attempt: Attempt, shown: Manifest) -> tuple[Question, str]:
    """What the webhook is asked about an object in the form it is shown; and the review's uid."""
    consultation = attempt.call.consultation
    assert consultation is not None, "hooks are only concerned where they can be asked"
    uid = consultation.recalled(attempt.store.chance).uid()
    request = request_of(attempt)
    request["name"] = shown["metadata"].get("name", "")
    request = {"uid": uid} | {key: value for key, value in request.items() if value != ""}
    request["object"] = None if attempt.verb == "DELETE" else shown
    request["oldObject"] = attempt.old
    body = {"kind": "AdmissionReview", "apiVersion": f"{GROUP}/{hook.version}", "request": request}
    place = place_of(hook, attempt.store)
    question = Question(place.url, orjson.dumps(body), hook.seconds, hook.authority, place.address)
    if place.error:
        consultation.replies[question] = Reply(error=place.error)
    return question, uid


def verdict_of(hook: Hook, question: Question, reply: Reply, uid: str) -> Verdict:
    """What a reply says. Raises `NoVerdict`."""
    if reply.error:
        raise NoVerdict(f'failed to call webhook: Post "{question.url}": {reply.error}')
    if not 200 <= reply.status < 300:
        raise NoVerdict(f"failed to call webhook: {_error_status(reply)}")
    try:
        review = orjson.loads(reply.body)
        response = review["response"]
        if response is None:
            raise KeyError("response")
    except (ValueError, KeyError, TypeError):
        raise NoVerdict("received invalid webhook response: webhook response was absent") from None
    wanted = f"{GROUP}/{hook.version}, Kind=AdmissionReview"
    given = f"{review.get('apiVersion', '')}, Kind={review.get('kind', '')}"
    if given != wanted:
        raise _unusable(f"expected webhook response of {wanted}, got {given}")
    if response.get("uid") != uid:
        raise _unusable(f'expected response.uid="{uid}", got "{response.get("uid", "")}"')
    return Verdict(
        bool(response.get("allowed")),
        _patch(response),
        response.get("status") or {},
        tuple(response.get("warnings") or ()),
    )


def _unusable(why: str) -> NoVerdict:
    return NoVerdict(f"received invalid webhook response: {why}")


def _patch(response: Manifest) -> list[Any] | None:
    patch, kind = response.get("patch"), response.get("patchType")
    if not patch and not kind:
        return None
    if not patch:
        raise _unusable("webhook returned response.patchType but not response.patch")
    if not kind:
        raise _unusable("webhook returned response.patch but not response.patchType")
    if kind != "JSONPatch":
        raise _unusable(f'webhook returned invalid response.patchType of "{kind}"')
    try:
        operations = orjson.loads(b64decode(patch))
    except ValueError as error:
        raise _unusable(str(error)) from None
    return operations if isinstance(operations, list) else []


def _error_status(reply: Reply) -> str:
    if reply.status == 404:
        return "the server could not find the requested resource"
    text = reply.body.decode(errors="replace").strip()
    shown = f'an error on the server ("{text}")' if text else "an error on the server"
    return f"{shown} has prevented the request from succeeding"


def rejection(hook: Hook, verdict: Verdict) -> Failure:
    """The answer to a write that a webhook says no to."""
    status = verdict.status
    denied = f'admission webhook "{hook.name}" denied the request'
    said = status.get("message") or status.get("reason")
    code = status.get("code") or 0
    return Failure(
        code if code >= 400 else 400,
        status.get("reason", ""),
        f"{denied}: {said}" if said else f"{denied} without explanation",
        status.get("details"),
    )


def failed(hook: Hook, error: NoVerdict) -> Failure:
    """The answer to a write about which a webhook could not be asked."""
    text = f'failed calling webhook "{hook.name}": {error}'
    details = {"causes": [{"message": text}]}
    return Failure(500, "InternalError", f"Internal error occurred: {text}", details)
