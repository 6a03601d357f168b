"""Asks the mutating webhooks about objects, one after the other, and applies their patches.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.forms import stored_form, unstored
from kiban.cluster.admission.matching import ADMISSION
from kiban.cluster.admission.webhooks.hooks import Hook, hooks_of, is_concerned
from kiban.cluster.admission.webhooks.reviews import (
    NoVerdict,
    failed,
    question_about,
    rejection,
    verdict_of,
)
from kiban.cluster.api.failures import Failure
from kiban.cluster.consulting import Unanswered
from kiban.kube.merges.json_patch import json_patch
from kiban.kube.merges.refusals import PatchRefused
from kiban.kube.objects import GroupKind, Manifest

MUTATING_WEBHOOKS = GroupKind(ADMISSION, "MutatingWebhookConfiguration")


def mutate_by_webhooks(attempt: Attempt, manifest: Manifest) -> Manifest:
    """The object as the webhooks complete it. One that wants it is asked once more when a later
    one has changed the object. Raises `Failure`, and `Unanswered` before a webhook is asked."""
    again: list[Hook] = []
    done: list[Hook] = []
    for hook in hooks_of(MUTATING_WEBHOOKS, attempt):
        if not is_concerned(hook, attempt, manifest):
            continue
        changed = _asked(hook, attempt, manifest)
        if changed is not manifest:
            again += [earlier for earlier in done if earlier not in again]
            manifest = changed
        done.append(hook)
    for hook in again:
        if hook.spec.get("reinvocationPolicy") == "IfNeeded" and is_concerned(
            hook, attempt, manifest
        ):
            manifest = _asked(hook, attempt, manifest)
    return manifest


def _asked(hook: Hook, attempt: Attempt, manifest: Manifest) -> Manifest:
    """The object after one webhook; the same one when it changed nothing."""
    consultation = attempt.call.consultation
    assert consultation is not None, "hooks are only concerned where they can be asked"
    shown = unstored(attempt, manifest)
    question, uid = question_about(hook, attempt, shown)
    reply = consultation.replies.get(question)
    if reply is None:
        raise Unanswered([question])
    try:
        verdict = verdict_of(hook, question, reply, uid)
    except NoVerdict as error:
        if hook.is_lenient:
            return manifest
        raise failed(hook, error) from error
    attempt.call.warnings.extend(verdict.warnings)
    if not verdict.allowed:
        raise rejection(hook, verdict)
    if not verdict.patch or attempt.verb == "DELETE":
        return manifest
    try:
        patched = json_patch(shown, verdict.patch)
    except PatchRefused as refused:
        text = f"Internal error occurred: {refused.message}"
        raise Failure(500, "InternalError", text, {"causes": [{"message": refused.message}]}) from (
            refused
        )
    return manifest if patched == shown else stored_form(attempt, manifest, patched)
