"""Whom pods speak to the Kubernetes API as."""

from collections.abc import Iterator

from kiban.audit.findings import Mend, Said, Severity, Verdict, rule
from kiban.audit.view import View, Workload
from kiban.kube.objects import Key, Manifest

_POD = "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n"


def _account(workload: Workload) -> str:
    old = workload.pod.get("serviceAccount")
    return str(workload.pod.get("serviceAccountName") or old or "default")


def _object(view: View, workload: Workload) -> Manifest | None:
    return view.find("", "ServiceAccount", workload.key.namespace, _account(workload))


@rule(
    Severity.ADVICE,
    why="whoever breaks in can ask the API server",
    fix="set automountServiceAccountToken: false, or true if it is needed (`token: true`)",
    example=f"{_POD}      automountServiceAccountToken: null\n      serviceAccountName: null",
    mend=Mend(False, field="token", field_value=False, risky=True),
)
def automount_sa_token(view: View) -> Iterator[Said]:
    entitled = _entitled(view)
    for workload in view.workloads:
        mounts = workload.pod.get("automountServiceAccountToken")
        account = _object(view, workload)
        if mounts is None:
            mounts = (account or {}).get("automountServiceAccountToken")
        # Rights that were given to its account are the reason for a token.
        if mounts is None and (workload.key.namespace, _account(workload)) not in entitled:
            what = "the pod gets a token for the Kubernetes API that nobody asked for"
            told = account is not None or _account(workload) == "default"
            verdict = Verdict.FAIL if told else Verdict.UNKNOWN
            yield workload.said("automountServiceAccountToken", what, verdict)


def _entitled(view: View) -> set[tuple[str, str]]:
    """The accounts, by namespace and name, to which a binding gives rights."""
    found = set()
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for key, binding in view.kind(kind):
            for one in binding.get("subjects") or ():
                if one.get("kind") == "ServiceAccount":
                    found.add((one.get("namespace") or key.namespace, one.get("name", "")))
    return found


@rule(
    Severity.WARNING,
    why="a right that one of them needs is given to all",
    fix="give it a ServiceAccount of its own",
    example=f"{_POD}      serviceAccountName: null\n      automountServiceAccountToken: true",
)
def default_service_account(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        used = workload.pod.get("automountServiceAccountToken") is not False
        if _account(workload) == "default" and used:
            what = "its pods run as the default account of the namespace"
            yield workload.said("serviceAccountName", what)


@rule(
    Severity.ADVICE,
    why="a right that one of them needs is given to all",
    fix="give each its own ServiceAccount",
    example=f"{_POD}      serviceAccountName: web",
    optional=True,
)
def dedicated_sa_per_workload(view: View) -> Iterator[Said]:
    first: dict[tuple[str, str], Key] = {}
    for workload in view.workloads:
        name = _account(workload)
        other = first.setdefault((workload.key.namespace, name), workload.key)
        if name != "default" and other != workload.key:
            yield workload.said("serviceAccountName", f"{name} is the account of {other.name}, too")


@rule(
    Severity.ERROR,
    why="no pod is ever made",
    fix="add the ServiceAccount, or correct the name",
    example=f"{_POD}      serviceAccountName: apj\n      automountServiceAccountToken: false",
)
def sa_missing(view: View) -> Iterator[Said]:
    described = {key.namespace for key, _ in view.kind("ServiceAccount")}
    for workload in view.workloads:
        name = _account(workload)
        if name != "default" and _object(view, workload) is None:
            # Where no account of the namespace is described, somebody else describes them.
            known = workload.key.namespace in described
            verdict = Verdict.FAIL if known else Verdict.UNKNOWN
            what = f"the ServiceAccount {name} is not among the manifests"
            yield workload.said("serviceAccountName", what, verdict)


@rule(
    Severity.ADVICE,
    why="the field is an old alias that may go",
    fix="write serviceAccountName",
    example=f"{_POD}      serviceAccount: api",
)
def deprecated_service_account_field(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        old, new = workload.pod.get("serviceAccount"), workload.pod.get("serviceAccountName")
        live = workload.manifest["metadata"].get("uid")
        # The API server fills in the old field of every live object.
        if old and not (live and old == new):
            yield workload.said("serviceAccount", "the name is in the old field")


RULES = (
    automount_sa_token,
    default_service_account,
    dedicated_sa_per_workload,
    sa_missing,
    deprecated_service_account_field,
)
