"""What every new pod gets: a service account with its token, a priority, patience with nodes.

Sources: kubernetes/plugin/pkg/admission/{serviceaccount,priority,defaulttolerationseconds}.
"""

from typing import Any

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.api.failures import forbidden
from kiban.cluster.consulting import Names
from kiban.kube.objects import POD, SERVICE_ACCOUNT, GroupKind, Key, Manifest, get_in

PRIORITY_CLASS = GroupKind("scheduling.k8s.io", "PriorityClass")
TOLERATION_SECONDS = 300
TOKEN_SECONDS = 3607
TOKEN_VOLUME_PREFIX = "kube-api-access-"
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
ROOT_CA_CONFIG_MAP = "kube-root-ca.crt"
MIRROR_ANNOTATION = "kubernetes.io/config.mirror"

Spec = dict[str, Any]


def is_new_pod(attempt: Attempt) -> bool:
    return attempt.verb == "CREATE" and attempt.info.group_kind == POD and not attempt.subresource


# Service account


def use_service_account(attempt: Attempt, pod: Manifest) -> Manifest:
    """Give a pod its service account, `default` if it names none, and a volume with its token."""
    if not is_new_pod(attempt) or MIRROR_ANNOTATION in (pod["metadata"].get("annotations") or {}):
        return pod
    spec: Spec = dict(pod["spec"])
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = attempt.store.get(Key(*SERVICE_ACCOUNT, attempt.namespace, name))
    if account is None:
        raise forbidden(
            attempt.info,
            attempt.name,
            f"error looking up service account {attempt.namespace}/{name}: "
            f'serviceaccount "{name}" not found',
        )
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = account["imagePullSecrets"]
    if _wants_token(spec, account):
        spec = _with_token(spec, attempt)
    return {**pod, "spec": spec}


def _wants_token(spec: Spec, account: Manifest) -> bool:
    for holder in (spec, account):
        said = holder.get("automountServiceAccountToken")
        if said is not None:
            return bool(said)
    return True


def _with_token(spec: Spec, attempt: Attempt) -> Spec:
    """Every container that mounts nothing there gets the token volume mounted."""
    volume = next(
        (v["name"] for v in spec.get("volumes") or () if v["name"].startswith(TOKEN_VOLUME_PREFIX)),
        "",
    )
    new_volume = not volume
    volume = volume or TOKEN_VOLUME_PREFIX + _names(attempt).suffix(5)
    mount = {"name": volume, "readOnly": True, "mountPath": TOKEN_PATH}
    spec = dict(spec)
    used = False
    for part in ("initContainers", "containers"):
        if not spec.get(part):
            continue
        containers = []
        for container in spec[part]:
            mounts = container.get("volumeMounts") or []
            if all(present.get("mountPath") != TOKEN_PATH for present in mounts):
                container = {**container, "volumeMounts": [*mounts, mount]}
                used = True
            containers.append(container)
        spec[part] = containers
    if used and new_volume:
        spec["volumes"] = [*(spec.get("volumes") or ()), _token_volume(volume)]
    return spec


def _names(attempt: Attempt) -> Names:
    return attempt.call.names(attempt.store.chance)


def _token_volume(name: str) -> Manifest:
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
        {
            "configMap": {
                "name": ROOT_CA_CONFIG_MAP,
                "items": [{"key": "ca.crt", "path": "ca.crt"}],
            }
        },
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 420}}


# Priority


def resolve_priority(attempt: Attempt, pod: Manifest) -> Manifest:
    """Turn a pod's priority class into its number and preemption policy."""
    if not is_new_pod(attempt):
        return pod
    spec = dict(pod["spec"])
    name = spec.get("priorityClassName", "")
    found = _named(attempt, name) if name else _global_default(attempt)
    value = found["value"] if found else 0
    policy = (found or {}).get("preemptionPolicy", "PreemptLowerPriority")
    if found and not name:
        spec["priorityClassName"] = found["metadata"]["name"]
    if spec.get("priority") not in (None, value):
        raise forbidden(
            attempt.info,
            attempt.name,
            f"the integer value of priority ({spec['priority']}) must not be provided in pod "
            f"spec; priority admission controller computed {value} from the given PriorityClass "
            "name",
        )
    if spec.get("preemptionPolicy") not in (None, policy):
        raise forbidden(
            attempt.info,
            attempt.name,
            f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be "
            f"provided in pod spec; priority admission controller computed {policy} from the "
            "given PriorityClass name",
        )
    return {**pod, "spec": {**spec, "priority": value, "preemptionPolicy": policy}}


def _named(attempt: Attempt, name: str) -> Manifest:
    found = attempt.store.get(Key(*PRIORITY_CLASS, "", name))
    if found is None:
        raise forbidden(attempt.info, attempt.name, f"no PriorityClass with name {name} was found")
    return found


def _global_default(attempt: Attempt) -> Manifest | None:
    """The class marked as default; the one of lowest value when several are."""
    marked = [c for c in attempt.store.list(PRIORITY_CLASS) if c.get("globalDefault")]
    return min(marked, key=lambda found: found["value"], default=None)


def review_priority_class(attempt: Attempt, wanted: Manifest) -> None:
    """Refuse a second class that would be the default."""
    if attempt.verb == "DELETE" or not wanted.get("globalDefault"):
        return
    present = _global_default(attempt)
    if present is not None and (attempt.old is None or present["metadata"]["name"] != attempt.name):
        why = (
            f"PriorityClass {present['metadata']['name']} is already marked as default. Only one "
            "default can exist"
        )
        raise forbidden(attempt.info, attempt.name, why)


# Tolerations


def add_default_tolerations(attempt: Attempt, pod: Manifest) -> Manifest:
    """Let a pod stay five minutes on a node that is not ready or cannot be reached."""
    if not is_new_pod(attempt):
        return pod
    tolerations = get_in(pod, "spec", "tolerations", default=[])
    added = [
        {
            "key": key,
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": TOLERATION_SECONDS,
        }
        for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
        if not any(_covers(toleration, key) for toleration in tolerations)
    ]
    return {**pod, "spec": {**pod["spec"], "tolerations": [*tolerations, *added]}} if added else pod


def _covers(toleration: Manifest, key: str) -> bool:
    return toleration.get("key", "") in ("", key) and toleration.get("effect", "") in (
        "",
        "NoExecute",
    )
