"""Lets nobody give rights that he lacks, by a role or by a binding to one.

Who may `escalate` a role, or `bind` one, need not hold its rights. Source:
kubernetes/pkg/registry/rbac/{role,clusterrole,rolebinding,clusterrolebinding}/policybased.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.api.failures import Failure, details_of, forbidden
from kiban.cluster.authorization.escalation import Rule, missing_rights
from kiban.cluster.authorization.rights import ADMINISTRATORS, may
from kiban.cluster.authorization.roles import CLUSTER_ROLE, RBAC, ROLE, Wish
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Key, Manifest

_ROLES = ("Role", "ClusterRole")
_BINDINGS = ("RoleBinding", "ClusterRoleBinding")
_EVERYTHING: tuple[Rule, ...] = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)
_PLURALS = {"Role": "roles", "ClusterRole": "clusterroles"}
# A change of nothing but these gives nobody anything.
_COLLECTED = ("ownerReferences", "finalizers", "managedFields", "resourceVersion")


def check_given_rights(attempt: Attempt, manifest: Manifest) -> Manifest:
    """Raise `Failure` when a role or a binding gives more than its writer has."""
    info, user = attempt.info, attempt.call.user
    if info.group != RBAC or attempt.verb == "DELETE" or ADMINISTRATORS in user.groups:
        return manifest
    if attempt.old is not None and _only_collects(attempt.old, manifest):
        return manifest
    if info.kind in _ROLES:
        _check_role(attempt, manifest)
    elif info.kind in _BINDINGS:
        _check_binding(attempt, manifest)
    return manifest


def _only_collects(old: Manifest, new: Manifest) -> bool:
    bare = (
        {
            **state,
            "metadata": {k: v for k, v in state["metadata"].items() if k not in _COLLECTED},
        }
        for state in (old, new)
    )
    return next(bare) == next(bare)


def _check_role(attempt: Attempt, role: Manifest) -> None:
    info, old = attempt.info, attempt.old or {}
    wish = Wish("escalate", RBAC, info.plural, "", attempt.namespace, attempt.name)
    if may(attempt.store, attempt.call.user, wish):
        return
    same = old.get("aggregationRule") == role.get("aggregationRule")
    if attempt.old is not None and old.get("rules") == role.get("rules") and same:
        return
    _refuse_missing(attempt, role.get("rules") or ())
    if role.get("aggregationRule") is not None and _missing(attempt, _EVERYTHING):
        why = "must have cluster-admin privileges to use the aggregationRule"
        raise forbidden(info, attempt.name, why)


def _check_binding(attempt: Attempt, binding: Manifest) -> None:
    reference = binding.get("roleRef") or {}
    kind, name = reference.get("kind", ""), reference.get("name", "")
    if kind not in _PLURALS:
        return
    wish = Wish("bind", RBAC, _PLURALS[kind], "", attempt.namespace, name)
    if may(attempt.store, attempt.call.user, wish):
        return
    group_kind = ROLE if kind == "Role" else CLUSTER_ROLE
    place = attempt.namespace if kind == "Role" else ""
    role = attempt.store.get(Key(*group_kind, place, name))
    if role is None:
        raise _no_such_role(kind, name)
    _refuse_missing(attempt, role.get("rules") or ())


def _no_such_role(kind: str, name: str) -> Failure:
    info = KindInfo(RBAC, "v1", kind, _PLURALS[kind], kind.lower(), kind == "Role")
    return Failure(404, "NotFound", f'{info.resource} "{name}" not found', details_of(info, name))


def _missing(attempt: Attempt, rules: tuple[Rule, ...] | list[Rule]) -> str:
    return missing_rights(attempt.store, attempt.call.user, attempt.namespace, rules)


def _refuse_missing(attempt: Attempt, rules: tuple[Rule, ...] | list[Rule]) -> None:
    said = _missing(attempt, rules)
    if said:
        raise forbidden(attempt.info, attempt.name, said)
