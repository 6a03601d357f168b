"""Rights: roles that give more than anybody meant.

Source of the dangerous verbs: kubernetes.io, RBAC good practices.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from kiban.audit.findings import Said, Severity, rule
from kiban.audit.view import View
from kiban.kube.objects import Key, Manifest

_BUILT_IN = ("system:", "eks:", "aws:")
_ADMINS = frozenset(("cluster-admin",))
_ANYBODY = frozenset(("system:anonymous", "system:unauthenticated", "system:authenticated"))
_READS = ("get", "list", "watch", "*")
_HEAD = "apiVersion: rbac.authorization.k8s.io/v1\n"


def _role(rule_text: str, kind: str = "ClusterRole") -> str:
    return f"{_HEAD}kind: {kind}\nmetadata: {{name: helper}}\nrules:\n- {{{rule_text}}}"


def _rules(view: View) -> Iterator[tuple[Key, int, Mapping[str, Any]]]:
    """Every rule of every role that people wrote."""
    for kind in ("ClusterRole", "Role"):
        for key, role in view.kind(kind):
            if not key.name.startswith(_BUILT_IN) and not _is_built_in(role):
                for index, one in enumerate(role.get("rules") or ()):
                    yield key, index, one


def _is_built_in(role: Manifest) -> bool:
    labels = role["metadata"].get("labels") or {}
    return "kubernetes.io/bootstrapping" in labels


def _gives(verbs: Iterable[str], resources: Iterable[str], what: str) -> Callable[[View], Any]:
    """Roles that give one of the verbs on one of the resources. Everything is said elsewhere."""
    wanted_verbs, wanted = set(verbs), set(resources)

    def look(view: View) -> Iterator[Said]:
        for key, index, one in _rules(view):
            named = wanted & set(one.get("resources") or ())
            # Only some objects, by name, is how such a right should be given.
            if (
                named
                and wanted_verbs & set(one.get("verbs") or ())
                and not one.get("resourceNames")
            ):
                scope = " of its namespace" if key.kind == "Role" else ""
                yield Said(key, f"rules[{index}]", f"the role {what}{scope}")

    return look


@rule(
    Severity.WARNING,
    why="it includes every right that there will ever be",
    fix="name the groups, resources and verbs that are needed",
    example=_role("apiGroups: ['*'], resources: ['*'], verbs: ['*']"),
)
def wildcard_rules(view: View) -> Iterator[Said]:
    for key, index, one in _rules(view):
        stars = [
            name for name in ("apiGroups", "resources", "verbs") if "*" in (one.get(name) or ())
        ]
        if "verbs" in stars or "resources" in stars:
            yield Said(key, f"rules[{index}].{stars[-1]}", f"the role gives all {stars[-1]}")


def _bindings(view: View) -> Iterator[tuple[Key, Manifest]]:
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for key, binding in view.kind(kind):
            if not key.name.startswith(_BUILT_IN) and not _is_built_in(binding):
                yield key, binding


@rule(
    Severity.ERROR,
    why="whoever takes over one of these accounts owns the cluster",
    fix="bind a role with what is needed",
    example=f"{_HEAD}kind: ClusterRoleBinding\nmetadata: {{name: helper}}\n"
    "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n"
    "subjects: [{kind: ServiceAccount, name: api, namespace: shop}]",
)
def cluster_admin_binding(view: View) -> Iterator[Said]:
    for key, binding in _bindings(view):
        if (binding.get("roleRef") or {}).get("name") in _ADMINS:
            names = ", ".join(str(one.get("name")) for one in binding.get("subjects") or ())
            yield Said(key, "roleRef", f"{names or 'nobody'} may do anything")


@rule(
    Severity.ERROR,
    why="everybody who reaches the API server has the right",
    fix="bind a person, a group or a ServiceAccount",
    example=f"{_HEAD}kind: ClusterRoleBinding\nmetadata: {{name: helper}}\n"
    "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\n"
    "subjects: [{kind: Group, name: 'system:unauthenticated', "
    "apiGroup: rbac.authorization.k8s.io}]",
)
def anonymous_binding(view: View) -> Iterator[Said]:
    for key, binding in _bindings(view):
        for one in binding.get("subjects") or ():
            if one.get("name") in _ANYBODY:
                yield Said(key, f"subjects[{one['name']}]", f"{one['name']} is everybody")


@rule(
    Severity.WARNING,
    why="list shows every value, tokens of other accounts among them",
    fix="name the Secrets in resourceNames",
    example=_role("apiGroups: [''], resources: [secrets], verbs: [list]"),
)
def access_to_secrets(view: View) -> Iterable[Said]:
    look: Iterable[Said] = _gives(_READS, ("secrets",), "reads every Secret")(view)
    return look


@rule(
    Severity.WARNING,
    why="whoever may make pods may use every account and every Secret of the namespace",
    fix="let only controllers and deliverers make pods",
    example=_role("apiGroups: [''], resources: [pods], verbs: [create]"),
)
def create_pods(view: View) -> Iterable[Said]:
    look: Iterable[Said] = _gives(("create", "*"), ("pods",), "may make pods")(view)
    return look


@rule(
    Severity.WARNING,
    why="whoever may run programs in a pod has all that the pod has",
    fix="give it to people for an hour, not to accounts for ever",
    example=_role("apiGroups: [''], resources: [pods/exec], verbs: [create]"),
)
def pods_exec(view: View) -> Iterable[Said]:
    parts = ("pods/exec", "pods/attach", "pods/ephemeralcontainers")
    verbs = ("create", "get", "patch", "update", "*")
    look: Iterable[Said] = _gives(verbs, parts, "runs programs in other pods")(view)
    return look


@rule(
    Severity.ERROR,
    why="whoever has it can give himself every other right",
    fix="remove escalate, bind and impersonate",
    example=_role("apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], "
    "verbs: [escalate]"),
)  # fmt: skip
def escalate_bind_impersonate(view: View) -> Iterator[Said]:
    for key, index, one in _rules(view):
        risky = sorted({"escalate", "bind", "impersonate"} & set(one.get("verbs") or ()))
        if risky and not one.get("resourceNames"):
            yield Said(key, f"rules[{index}].verbs", f"the role may {risky[0]}")


@rule(
    Severity.ERROR,
    why="the kubelet runs any program in any pod of the node for whoever asks through it",
    fix="remove nodes/proxy; ask for nodes/metrics and nodes/stats",
    example=_role("apiGroups: [''], resources: [nodes/proxy], verbs: [get]"),
)
def nodes_proxy(view: View) -> Iterable[Said]:
    look: Iterable[Said] = _gives((*_READS, "create"), ("nodes/proxy",), "reaches kubelets")(view)
    return look


@rule(
    Severity.WARNING,
    why="a webhook sees and changes every object on its way in, Secrets too",
    fix="let only those who install it change webhooks",
    example=_role("apiGroups: [admissionregistration.k8s.io], "
    "resources: [mutatingwebhookconfigurations], verbs: [create]"),
)  # fmt: skip
def webhook_admin(view: View) -> Iterable[Said]:
    kinds = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
    verbs = ("create", "update", "patch", "*")
    look: Iterable[Said] = _gives(verbs, kinds, "changes admission webhooks")(view)
    return look


RULES = (
    wildcard_rules,
    cluster_admin_binding,
    anonymous_binding,
    access_to_secrets,
    create_pods,
    pods_exec,
    escalate_bind_impersonate,
    nodes_proxy,
    webhook_admin,
)
