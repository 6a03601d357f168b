"""Asks the ValidatingAdmissionPolicies of a cluster about every write that their bindings concern.

Sources: k8s.io/apiserver/pkg/admission/plugin/policy/{matching,validating}.
"""

from dataclasses import dataclass
from typing import Any

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.matching import (
    ADMISSION,
    covers,
    is_chosen,
    namespace_of,
    request_of,
)
from kiban.cluster.api.failures import Failure, forbidden
from kiban.kube.expressions import WrongExpression, evaluate
from kiban.kube.objects import GroupKind, Key, Manifest, group_of
from kiban.kube.selectors import selector_from_object

POLICY = GroupKind(ADMISSION, "ValidatingAdmissionPolicy")
BINDING = GroupKind(ADMISSION, "ValidatingAdmissionPolicyBinding")
_CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413, "Invalid": 422}

Spec = dict[str, Any]


def ask_policies(attempt: Attempt, manifest: Manifest) -> None:
    """Refuse, or warn of, what a bound policy says no to. Raises `Failure`."""
    bindings = attempt.store.list(BINDING)
    if not bindings or attempt.info.group == ADMISSION:
        return
    for binding in bindings:
        policy = attempt.store.get(Key(*POLICY, "", binding["spec"].get("policyName", "")))
        if policy is None:
            continue
        _judge(_Case(attempt, manifest, policy, binding))


@dataclass(frozen=True, slots=True)
class _Case:
    """One write before one binding of one policy."""

    attempt: Attempt
    manifest: Manifest
    policy: Manifest
    binding: Manifest

    @property
    def spec(self) -> Spec:
        spec: Spec = self.policy["spec"]
        return spec

    @property
    def called(self) -> str:
        names = self.policy["metadata"]["name"], self.binding["metadata"]["name"]
        return f"ValidatingAdmissionPolicy '{names[0]}' with binding '{names[1]}'"


def _judge(case: _Case) -> None:
    constraints = case.spec.get("matchConstraints") or {}
    if not _concerns(case, constraints, needs_rules=True):
        return
    if not _concerns(case, case.binding["spec"].get("matchResources") or {}, needs_rules=False):
        return
    for parameters in _parameters(case):
        _judge_with(case, parameters)


def _judge_with(case: _Case, parameters: Manifest | None) -> None:
    values = _values(case, parameters)
    lenient = case.spec.get("failurePolicy") == "Ignore"
    try:
        conditions = case.spec.get("matchConditions") or ()
        if not all(evaluate(entry["expression"], values) for entry in conditions):
            return
    except WrongExpression as wrong:
        if not lenient:
            _deny(case, f"expression failed: {wrong}", "Invalid")
        return
    for entry in case.spec.get("validations") or ():
        try:
            holds = evaluate(entry["expression"], values)
        except WrongExpression as wrong:
            if not lenient:
                text = f"expression '{entry['expression'].strip()}' resulted in error: {wrong}"
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
    return said or f"failed expression: {entry['expression'].strip()}"


def _deny(case: _Case, message: str, reason: str) -> None:
    """Do what the binding wants done about a no. Raises `Failure` for `Deny`."""
    actions = case.binding["spec"].get("validationActions") or ()
    if "Warn" in actions:
        case.attempt.call.warnings.append(f"Validation failed for {case.called}: {message}")
    if "Deny" not in actions:
        return
    text = f"{case.called} denied request: {message}"
    refused = forbidden(case.attempt.info, case.attempt.name, text, causes=[{"message": text}])
    raise Failure(_CODES.get(reason, 422), reason, refused.message, refused.details)


# Which writes a policy is about


def _concerns(case: _Case, match: Spec, *, needs_rules: bool) -> bool:
    rules = match.get("resourceRules") or ()
    if (rules or needs_rules) and not any(covers(rule, case.attempt) for rule in rules):
        return False
    if any(covers(rule, case.attempt) for rule in match.get("excludeResourceRules") or ()):
        return False
    return is_chosen(match, case.attempt, case.manifest)


# What expressions see


def _parameters(case: _Case) -> list[Manifest | None]:
    """The objects that the binding gives the policy; one None where it takes none."""
    kind, reference = case.spec.get("paramKind"), case.binding["spec"].get("paramRef")
    if not kind or not reference:
        return [None]
    group_kind = GroupKind(group_of(kind["apiVersion"]), kind["kind"])
    place = reference.get("namespace") or case.attempt.namespace
    found: list[Manifest | None] = []
    for candidate in case.attempt.store.list(group_kind):
        metadata = candidate["metadata"]
        if metadata.get("namespace", "") not in ("", place):
            continue
        if reference.get("name"):
            if metadata["name"] == reference["name"]:
                found.append(candidate)
        elif selector_from_object(reference.get("selector") or {}).chooses(candidate):
            found.append(candidate)
    if found or reference.get("parameterNotFoundAction") == "Allow":
        return found
    text = "failed to configure binding: no params found for policy binding with `Deny` "
    _deny(case, text + "parameterNotFoundAction", "Invalid")
    return []


def _values(case: _Case, parameters: Manifest | None) -> dict[str, Any]:
    attempt = case.attempt
    values: dict[str, Any] = {
        "object": None if attempt.verb == "DELETE" else case.manifest,
        "oldObject": attempt.old,
        "request": request_of(attempt),
        "params": parameters,
        "namespaceObject": namespace_of(attempt),
        "variables": {},
    }
    for entry in case.spec.get("variables") or ():
        try:
            value = evaluate(entry["expression"], values)
        except WrongExpression:
            # Asking for it is what fails, as it is computed only then.
            continue
        values["variables"] = {**values["variables"], entry["name"]: value}
    return values
