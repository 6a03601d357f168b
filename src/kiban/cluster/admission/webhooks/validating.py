"""Asks the validating webhooks about finished objects, all at once.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/validating/dispatcher.go.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.matching import ADMISSION
from kiban.cluster.admission.webhooks.hooks import hooks_of, is_concerned
from kiban.cluster.admission.webhooks.reviews import (
    NoVerdict,
    failed,
    question_about,
    rejection,
    verdict_of,
)
from kiban.cluster.consulting import Unanswered
from kiban.kube.objects import GroupKind, Manifest

VALIDATING_WEBHOOKS = GroupKind(ADMISSION, "ValidatingWebhookConfiguration")


def validate_by_webhooks(attempt: Attempt, manifest: Manifest) -> None:
    """Refuse what a webhook says no to. Raises `Failure`, and `Unanswered` before it is asked."""
    consultation = attempt.call.consultation
    asked = [
        (hook, *question_about(hook, attempt, manifest))
        for hook in hooks_of(VALIDATING_WEBHOOKS, attempt)
        if is_concerned(hook, attempt, manifest)
    ]
    if not asked or consultation is None:
        return
    still_open = [question for _, question, _ in asked if question not in consultation.replies]
    if still_open:
        raise Unanswered(still_open)
    refusals = []
    for hook, question, uid in asked:
        try:
            verdict = verdict_of(hook, question, consultation.replies[question], uid)
        except NoVerdict as error:
            if not hook.is_lenient:
                refusals.append(failed(hook, error))
            continue
        attempt.call.warnings.extend(verdict.warnings)
        if not verdict.allowed:
            refusals.append(rejection(hook, verdict))
    if refusals:
        raise refusals[0]
