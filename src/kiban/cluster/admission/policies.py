"""Asks the ValidatingAdmissionPolicies of a cluster about every write that their bindings concern.

Sources: k8s.io/apiserver/pkg/admission/plugin/policy/{matching,validating}.
"""

from typing import Any

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.policy_cases import (
    Case,
    NoParameters,
    Spec,
    cases,
    parameters_of,
    values_of,
)
from kiban.cluster.api.failures import Failure, forbidden
from kiban.kube.expressions import WrongExpression, evaluate
from kiban.kube.objects import Manifest

_CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413, "Invalid": 422}


def ask_policies(attempt: Attempt, manifest: Manifest) -> None:
    """Refuse, or warn of, what a bound policy says no to. Raises `Failure`."""
    for case in cases("ValidatingAdmissionPolicy", attempt, manifest):
        if not case.concerns():
            continue
        try:
            found = parameters_of(case)
        except NoParameters as missing:
            _deny(case, str(missing), "Invalid")
            continue
        for parameters in found:
            _judge_with(case, parameters)


def _judge_with(case: Case, parameters: Manifest | None) -> None:
    values = values_of(case, parameters)
    lenient = case.spec.get("failurePolicy") == "Ignore"
    try:
        if not case.meets_conditions(values):
            return
    except WrongExpression as wrong:
        if not lenient:
            _deny(case, f"expression failed: {wrong}", "Invalid")
        return
    for entry in case.spec.get("validations") or ():
        try:
            holds = evaluate(entry.get("expression", ""), values)
        except WrongExpression as wrong:
            if not lenient:
                text = (
                    f"expression '{entry.get('expression', '').strip()}' resulted in error: {wrong}"
                )
                _deny(case, text, "Invalid")
            continue
        if not holds:
            _deny(case, _message(entry, values), entry.get("reason") or "Invalid")


def _message(entry: Spec, values: dict[str, Any]) -> str:
    if entry.get("messageExpression"):
        try:
            text = evaluate(entry["messageExpression"], values)
        except WrongExpression:
            text = ""
        if isinstance(text, str) and text.strip() and "\n" not in text:
            return text
    said: str = (entry.get("message") or "").strip()
    return said or f"failed expression: {entry.get('expression', '').strip()}"


def _deny(case: Case, message: str, reason: str) -> None:
    """Do what the binding wants done about a no. Raises `Failure` for `Deny`."""
    actions = case.bound.get("validationActions") or ()
    if "Warn" in actions:
        case.attempt.call.warnings.append(
            f"Validation failed for ValidatingAdmissionPolicy {case.called}: {message}"
        )
    if "Deny" not in actions:
        return
    text = f"ValidatingAdmissionPolicy {case.called} denied request: {message}"
    refused = forbidden(case.attempt.info, case.attempt.name, text, causes=[{"message": text}])
    raise Failure(_CODES.get(reason, 422), reason, refused.message, refused.details)
