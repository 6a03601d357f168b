"""Which rules a user holds: roles and cluster roles, through the bindings that name them.

Source: kubernetes/plugin/pkg/auth/authorizer/rbac and pkg/registry/rbac/validation/rule.go.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kiban.cluster.api.calls import User
from kiban.cluster.store import Store
from kiban.kube.objects import GroupKind, Key, Manifest

RBAC = "rbac.authorization.k8s.io"
ROLE, CLUSTER_ROLE = GroupKind(RBAC, "Role"), GroupKind(RBAC, "ClusterRole")
ROLE_BINDING = GroupKind(RBAC, "RoleBinding")
CLUSTER_ROLE_BINDING = GroupKind(RBAC, "ClusterRoleBinding")
ALL = "*"

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to do: to a resource, or to a path that is none (`path`)."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


def allows(store: Store, user: User, wish: Wish) -> bool:
    """Whether some rule of the user covers the wish."""
    return any(_covers(rule, wish) for rule in rules_of(store, user, wish.namespace))


def rules_of(store: Store, user: User, namespace: str) -> Iterator[Rule]:
    """The user's rules in a namespace: those of the whole cluster, then those of its own."""
    for binding in store.list(CLUSTER_ROLE_BINDING):
        if _names(binding, user, ""):
            yield from _rules(store, binding, "")
    if namespace:
        for binding in store.list(ROLE_BINDING, namespace):
            if _names(binding, user, namespace):
                yield from _rules(store, binding, namespace)


def _rules(store: Store, binding: Manifest, namespace: str) -> list[Rule]:
    reference = binding["roleRef"]
    kind = ROLE if reference["kind"] == "Role" else CLUSTER_ROLE
    place = namespace if kind == ROLE else ""
    role = store.get(Key(*kind, place, reference["name"]))
    return (role or {}).get("rules") or []


def _names(binding: Manifest, user: User, namespace: str) -> bool:
    return any(_is_subject(subject, user, namespace) for subject in binding.get("subjects") or ())


def _is_subject(subject: Manifest, user: User, namespace: str) -> bool:
    match subject.get("kind"):
        case "User":
            return bool(subject["name"] == user.name)
        case "Group":
            return subject["name"] in user.groups
        case "ServiceAccount":
            place = subject.get("namespace") or namespace
            return user.name == f"system:serviceaccount:{place}:{subject['name']}"
    return False


def _covers(rule: Rule, wish: Wish) -> bool:
    verbs = rule.get("verbs") or ()
    if ALL not in verbs and wish.verb not in verbs:
        return False
    if wish.path:
        return any(_path_matches(path, wish.path) for path in rule.get("nonResourceURLs") or ())
    groups, resources = rule.get("apiGroups") or (), rule.get("resources") or ()
    names = rule.get("resourceNames") or ()
    return (
        (ALL in groups or wish.group in groups)
        and _resource_matches(resources, wish)
        and (not names or wish.name in names)
    )


def _resource_matches(resources: list[str] | tuple[str, ...], wish: Wish) -> bool:
    full = f"{wish.resource}/{wish.subresource}" if wish.subresource else wish.resource
    if ALL in resources or full in resources:
        return True
    return bool(wish.subresource) and f"{ALL}/{wish.subresource}" in resources


def _path_matches(pattern: str, path: str) -> bool:
    if pattern.endswith(ALL):
        return path.startswith(pattern[:-1])
    return pattern == path
