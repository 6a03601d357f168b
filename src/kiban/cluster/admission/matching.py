"""Which writes a webhook or an admission policy is about.

Sources: k8s.io/apiserver/pkg/admission/plugin/{webhook/predicates,policy/matching}.
"""

from typing import Any

from kiban.cluster.admission.attempts import Attempt
from kiban.kube.objects import NAMESPACE, Key, Manifest
from kiban.kube.selectors import selector_from_object

ADMISSION = "admissionregistration.k8s.io"
Spec = dict[str, Any]


def covers(rule: Spec, attempt: Attempt) -> bool:
    """Whether a rule names the operation and the resource. Objects are kept in one version, so a
    rule for another version of the same resource means them too (`matchPolicy: Equivalent`)."""
    info = attempt.info
    names = rule.get("resourceNames") or ()
    scope = rule.get("scope") or "*"
    return (
        _has(rule.get("operations"), attempt.verb)
        and _has(rule.get("apiGroups"), info.group)
        and _has(rule.get("apiVersions"), info.version)
        and any(_is_resource(text, attempt) for text in rule.get("resources") or ())
        and (not names or attempt.name in names)
        and (scope == "*" or (scope == "Namespaced") == info.namespaced)
    )


def _has(listed: list[str] | None, wanted: str) -> bool:
    return "*" in (listed or ()) or wanted in (listed or ())


def _is_resource(text: str, attempt: Attempt) -> bool:
    resource, _, part = text.partition("/")
    return resource in ("*", attempt.info.plural) and part in (
        ("*", attempt.subresource) if part else (attempt.subresource,)
    )


def is_chosen(match: Spec, attempt: Attempt, manifest: Manifest) -> bool:
    """Whether the selectors for namespaces and objects choose this one."""
    return _is_chosen_namespace(match, attempt, manifest) and _is_chosen_object(
        match, attempt, manifest
    )


def _is_chosen_namespace(match: Spec, attempt: Attempt, manifest: Manifest) -> bool:
    selector = match.get("namespaceSelector")
    if not selector:
        return True
    if attempt.info.group_kind == NAMESPACE:
        return selector_from_object(selector).chooses(manifest)
    namespace = namespace_of(attempt)
    return namespace is None or selector_from_object(selector).chooses(namespace)


def _is_chosen_object(match: Spec, attempt: Attempt, manifest: Manifest) -> bool:
    """Either state of the object may be the one that is meant."""
    selector = match.get("objectSelector")
    if not selector:
        return True
    chosen = selector_from_object(selector)
    states = (manifest, attempt.old)
    return any(chosen.chooses(state) for state in states if state is not None)


def namespace_of(attempt: Attempt) -> Manifest | None:
    return attempt.store.get(Key(*NAMESPACE, "", attempt.namespace)) if attempt.namespace else None


def request_of(attempt: Attempt) -> Spec:
    """The attempt as webhooks are sent it, and as expressions see it, without the objects."""
    info, user = attempt.info, attempt.call.user
    kind = {"group": info.group, "version": info.version, "kind": info.kind}
    resource = {"group": info.group, "version": info.version, "resource": info.plural}
    return {
        "kind": kind,
        "resource": resource,
        "subResource": attempt.subresource,
        "requestKind": kind,
        "requestResource": resource,
        "requestSubResource": attempt.subresource,
        "name": attempt.name,
        "namespace": attempt.namespace,
        "operation": attempt.verb,
        "userInfo": {"username": user.name, "uid": user.uid, "groups": list(user.groups)},
        "dryRun": attempt.call.dry_run,
        "options": _options(attempt),
    }


def _options(attempt: Attempt) -> Spec:
    call = attempt.call
    options: Spec = {
        "kind": f"{attempt.verb.capitalize()}Options",
        "apiVersion": "meta.k8s.io/v1",
    }
    if call.dry_run:
        options["dryRun"] = ["All"]
    if attempt.verb != "DELETE":
        options |= {"fieldManager": call.manager, "fieldValidation": call.field_validation}
    return options
