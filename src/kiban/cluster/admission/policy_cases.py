"""One write before one binding of one admission policy: whether it concerns it, and what
expressions see of it.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/generic.
"""

from collections.abc import Iterator
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
from kiban.kube.expressions import WrongExpression, evaluate
from kiban.kube.objects import GroupKind, Key, Manifest, group_of
from kiban.kube.selectors import selector_from_object

Spec = dict[str, Any]


class NoParameters(Exception):
    """The objects that a binding names as parameters are not there, and must be."""


@dataclass(frozen=True, slots=True)
class Case:
    """One write before one binding of one policy."""

    attempt: Attempt
    manifest: Manifest
    policy: Manifest
    binding: Manifest

    @property
    def spec(self) -> Spec:
        spec: Spec = self.policy.get("spec") or {}
        return spec

    @property
    def bound(self) -> Spec:
        """What the binding says."""
        return self.binding.get("spec") or {}

    @property
    def called(self) -> str:
        names = self.policy["metadata"]["name"], self.binding["metadata"]["name"]
        return f"'{names[0]}' with binding '{names[1]}'"

    def concerns(self) -> bool:
        """Whether policy and binding are about this write."""
        constraints = self.spec.get("matchConstraints") or {}
        if not _concerns(self, constraints, needs_rules=True):
            return False
        return _concerns(self, self.bound.get("matchResources") or {}, needs_rules=False)

    def meets_conditions(self, values: dict[str, Any]) -> bool:
        """Whether all match conditions hold. Raises `WrongExpression`."""
        conditions = self.spec.get("matchConditions") or ()
        return all(evaluate(entry.get("expression", ""), values) for entry in conditions)


def cases(kind: str, attempt: Attempt, manifest: Manifest) -> Iterator[Case]:
    """Every binding of a kind of policy, whose policy is there. Configurations of admission are
    no business of policies."""
    bindings = attempt.store.list(GroupKind(ADMISSION, f"{kind}Binding"))
    if not bindings or attempt.info.group == ADMISSION:
        return
    for binding in bindings:
        name = (binding.get("spec") or {}).get("policyName", "")
        policy = attempt.store.get(Key(ADMISSION, kind, "", name))
        if policy is not None:
            yield Case(attempt, manifest, policy, binding)


# Which writes a policy is about


def _concerns(case: Case, match: Spec, *, needs_rules: bool) -> bool:
    rules = match.get("resourceRules") or ()
    if (rules or needs_rules) and not any(covers(rule, case.attempt) for rule in rules):
        return False
    if any(covers(rule, case.attempt) for rule in match.get("excludeResourceRules") or ()):
        return False
    return is_chosen(match, case.attempt, case.manifest)


# What expressions see


def parameters_of(case: Case) -> list[Manifest | None]:
    """The objects that the binding gives the policy; one None where it takes none."""
    kind, reference = case.spec.get("paramKind"), case.bound.get("paramRef")
    if not kind or not reference:
        return [None]
    group_kind = GroupKind(group_of(kind.get("apiVersion", "")), kind.get("kind", ""))
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
    raise NoParameters(
        "failed to configure binding: no params found for policy binding with `Deny` "
        "parameterNotFoundAction"
    )


def values_of(case: Case, parameters: Manifest | None) -> dict[str, Any]:
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
            value = evaluate(entry.get("expression", ""), values)
        except WrongExpression:
            # Asking for it is what fails, as it is computed only then.
            continue
        values["variables"] = {**values["variables"], entry.get("name", ""): value}
    return values
