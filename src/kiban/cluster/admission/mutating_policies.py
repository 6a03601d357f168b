"""Has the MutatingAdmissionPolicies of a cluster change the objects that their bindings concern.

A policy says fields to be applied, or a JSON patch; both are made by expressions. Sources:
k8s.io/apiserver/pkg/admission/plugin/policy/mutating.
"""

from typing import Any

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.forms import stored_form, unstored
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
from kiban.kube.merges.json_patch import json_patch
from kiban.kube.merges.refusals import PatchRefused
from kiban.kube.objects import Manifest
from kiban.kube.ownership.merging import merge
from kiban.kube.schema import ANYTHING, shape_of


def change_by_policies(attempt: Attempt, manifest: Manifest) -> Manifest:
    """The object as the policies complete it. A policy that wants it is asked once more when a
    later one has changed the object. Raises `Failure`."""
    if attempt.verb == "DELETE":
        return manifest
    done: list[Case] = []
    again: list[Case] = []
    for case in cases("MutatingAdmissionPolicy", attempt, manifest):
        changed = _changed(case, manifest)
        if changed is not manifest:
            again += [earlier for earlier in done if earlier not in again]
            manifest = changed
        done.append(case)
    for case in again:
        if case.spec.get("reinvocationPolicy") == "IfNeeded":
            manifest = _changed(case, manifest)
    return manifest


def _changed(case: Case, manifest: Manifest) -> Manifest:
    """The object after one policy; the same one when it is not concerned, or nothing changed."""
    case = Case(case.attempt, manifest, case.policy, case.binding)
    if not case.concerns():
        return manifest
    lenient = case.spec.get("failurePolicy") == "Ignore"
    before = unstored(case.attempt, manifest)
    after = before
    try:
        for parameters in parameters_of(case):
            after = _mutated(case, after, parameters)
    except (WrongExpression, NoParameters, PatchRefused) as error:
        if lenient:
            return manifest
        raise _denied(case, error) from error
    return manifest if after == before else stored_form(case.attempt, manifest, after)


def _mutated(case: Case, manifest: Manifest, parameters: Manifest | None) -> Manifest:
    case = Case(case.attempt, manifest, case.policy, case.binding)
    if not case.meets_conditions(values_of(case, parameters)):
        return manifest
    for mutation in case.spec.get("mutations") or ():
        case = Case(case.attempt, manifest, case.policy, case.binding)
        manifest = _applied(mutation, manifest, values_of(case, parameters), case)
    return manifest


def _applied(mutation: Spec, manifest: Manifest, values: dict[str, Any], case: Case) -> Manifest:
    if mutation.get("patchType") == "JSONPatch":
        operations = evaluate(_source(mutation, "jsonPatch"), values)
        patched: Manifest = json_patch(manifest, operations)
        return patched
    fields = evaluate(_source(mutation, "applyConfiguration"), values)
    if not isinstance(fields, dict):
        raise WrongExpression("must evaluate to Object")
    info = case.attempt.info
    merged: Manifest = merge(manifest, fields, shape_of(info) if info.type_name else ANYTHING)
    return merged


def _source(mutation: Spec, part: str) -> str:
    return str((mutation.get(part) or {}).get("expression", ""))


def _denied(case: Case, error: Exception) -> Failure:
    said = error.message if isinstance(error, PatchRefused) else str(error)
    text = f"policy {case.called} denied request: {said}"
    return forbidden(case.attempt.info, case.attempt.name, text, causes=[{"message": text}])
