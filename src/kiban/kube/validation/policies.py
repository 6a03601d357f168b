"""Rules for ValidatingAdmissionPolicies and their bindings. Of expressions, only the syntax is
looked at; the rest shows when they are asked.

Source: k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go.
"""

import re
from collections.abc import Iterable
from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    one_of,
    required,
)
from kiban.kube.validation.selectors import validate_selector
from kiban.kube.validation.webhooks import check_expression, validate_conditions, validate_rule

Value = dict[str, Any]
_ACTIONS = ("Audit", "Deny", "Warn")
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
_MOST_ANNOTATIONS = 20
_BREAK = re.compile(r"[\n\r]")
_NOTHING_CHECKED = "validations or auditAnnotations must contain at least one item"
_ONE_OF_TWO = "name and selector are mutually exclusive"
_BOTH = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the "
    "API response and headers serves no purpose)"
)


def validate_policy(manifest: Manifest) -> Faults:
    spec: Value = manifest.get("spec") or {}
    faults: Faults = []
    if spec.get("failurePolicy"):
        faults += one_of("spec.failurePolicy", spec["failurePolicy"], ("Fail", "Ignore"))
    if spec.get("paramKind") is not None:
        faults += _parameter_kind(spec["paramKind"])
    matched = spec.get("matchConstraints")
    if matched is None:
        faults.append(required("spec.matchConstraints"))
    else:
        faults += _matched(matched, "spec.matchConstraints")
        if not matched.get("resourceRules"):
            faults.append(required("spec.matchConstraints.resourceRules"))
    faults += validate_conditions(spec.get("matchConditions") or (), "spec.matchConditions")
    for index, variable in enumerate(spec.get("variables") or ()):
        faults += _variable(variable, f"spec.variables[{index}]")
    return faults + _checks(manifest["metadata"].get("name", ""), spec)


def _parameter_kind(kind: Value) -> Faults:
    faults: Faults = []
    if not kind.get("apiVersion"):
        faults.append(required("spec.paramKind.apiVersion"))
    if not kind.get("kind"):
        faults.append(required("spec.paramKind.kind"))
    return faults


def _matched(matched: Value, at: str) -> Faults:
    faults: Faults = []
    if matched.get("matchPolicy"):
        faults += one_of(f"{at}.matchPolicy", matched["matchPolicy"], ("Equivalent", "Exact"))
    for name in ("namespaceSelector", "objectSelector"):
        faults += validate_selector(matched.get(name), f"{at}.{name}")
    for name in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(matched.get(name) or ()):
            faults += _named(rule.get("resourceNames") or (), f"{at}.{name}[{index}].resourceNames")
            faults += validate_rule(rule, f"{at}.{name}[{index}]")
    return faults


def _named(names: Iterable[str], at: str) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for index, name in enumerate(names):
        faults += all_invalid(f"{at}[{index}]", name, formats.path_segment_faults(name))
        if name in seen:
            faults.append(duplicate(f"{at}[{index}]", name))
        seen.add(name)
    return faults


def _variable(variable: Value, at: str) -> Faults:
    name = variable.get("name", "")
    faults: Faults = []
    if not name.strip():
        faults.append(required(f"{at}.name", "name is not specified"))
    elif not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        faults.append(invalid(f"{at}.name", name, "name is not a valid CEL identifier"))
    return faults + _expressed(variable, "expression", at)


def _expressed(holder: Value, name: str, at: str) -> Faults:
    said = holder.get(name) or ""
    if said.strip():
        return check_expression(said, f"{at}.{name}")
    return [required(f"{at}.{name}", f"{name} is not specified")]


def _checks(policy: str, spec: Value) -> Faults:
    checks, notes = spec.get("validations") or (), spec.get("auditAnnotations") or ()
    if not checks and not notes:
        return [
            required("spec.validations", _NOTHING_CHECKED),
            required("spec.auditAnnotations", _NOTHING_CHECKED),
        ]
    faults: Faults = []
    for index, check in enumerate(checks):
        faults += _check(check, f"spec.validations[{index}]")
    if len(notes) > _MOST_ANNOTATIONS:
        detail = f"must not have more than {_MOST_ANNOTATIONS} auditAnnotations"
        faults.append(invalid("spec.auditAnnotations", notes, detail))
    seen: set[str] = set()
    for index, note in enumerate(notes):
        at, key = f"spec.auditAnnotations[{index}]", note.get("key", "")
        faults += all_invalid(
            f"{at}.key", f"{policy}/{key}", formats.label_key_faults(f"{policy}/{key}")
        )
        faults += _expressed(note, "valueExpression", at)
        if key in seen:
            faults.append(duplicate(f"{at}.key", key))
        seen.add(key)
    return faults


def _check(check: Value, at: str) -> Faults:
    faults = _expressed(check, "expression", at)
    told, said = check.get("messageExpression") or "", check.get("message") or ""
    if told and not told.strip():
        detail = "must be non-empty if specified"
        faults.append(invalid(f"{at}.messageExpression", told, detail))
    elif told:
        faults += check_expression(told, f"{at}.messageExpression")
    if said and not said.strip():
        detail = "message must be non-empty if specified"
        faults.append(invalid(f"{at}.message", said, detail))
    elif _BREAK.search(said.strip()):
        faults.append(invalid(f"{at}.message", said, "message must not contain line breaks"))
    if check.get("reason") is not None:
        faults += one_of(f"{at}.reason", check["reason"], _REASONS)
    return faults


def validate_policy_binding(manifest: Manifest) -> Faults:
    spec: Value = manifest.get("spec") or {}
    name = spec.get("policyName", "")
    faults = [] if name else [required("spec.policyName")]
    if name:
        faults += all_invalid("spec.policyName", name, formats.dns_subdomain_faults(name))
    if spec.get("paramRef") is not None:
        faults += _parameters(spec["paramRef"], "spec.paramRef")
    if spec.get("matchResources") is not None:
        # Kubernetes has it spelt like this.
        faults += _matched(spec["matchResources"], "spec.matchResouces")
    return faults + _actions(spec.get("validationActions") or [], "spec.validationActions")


def _parameters(reference: Value, at: str) -> Faults:
    name, selector = reference.get("name") or "", reference.get("selector")
    faults: Faults = []
    if name:
        faults += all_invalid(f"{at}.name", name, formats.path_segment_faults(name))
        if selector is not None:
            faults.append(forbidden(f"{at}.name", _ONE_OF_TWO))
    if selector is not None:
        faults += validate_selector(selector, f"{at}.selector")
        if name:
            faults.append(forbidden(f"{at}.selector", _ONE_OF_TWO))
    if not name and selector is None:
        faults.append(required(at, "one of name or selector must be specified"))
    without = reference.get("parameterNotFoundAction")
    if without:
        return faults + one_of(f"{at}.parameterNotFoundAction", without, ("Deny", "Allow"))
    return [*faults, required(f"{at}.parameterNotFoundAction")]


def _actions(actions: list[str], at: str) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for index, action in enumerate(actions):
        faults += one_of(f"{at}[{index}]", action, _ACTIONS)
        if action in seen:
            faults.append(duplicate(f"{at}[{index}]", action))
        seen.add(action)
    if {"Deny", "Warn"} <= seen:
        faults.append(invalid(at, actions, _BOTH))
    if not actions:
        faults.append(required(at, "at least one validation action is required"))
    return faults
