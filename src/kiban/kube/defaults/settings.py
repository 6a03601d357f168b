"""Defaults of the small kinds: secrets, namespaces, nodes, quotas, roles, events, definitions."""

from base64 import b64encode
from typing import Any

from kiban.kube.defaults.pods import Value
from kiban.kube.objects import Manifest

_RBAC = "rbac.authorization.k8s.io"


def default_secret(manifest: Manifest) -> Manifest:
    """`type: Opaque`, and `stringData` folded into `data`."""
    complete = {**manifest, "type": manifest.get("type") or "Opaque"}
    texts = complete.pop("stringData", None)
    if texts:
        encoded = {key: b64encode(text.encode()).decode() for key, text in texts.items()}
        complete["data"] = {**(complete.get("data") or {}), **encoded}
    return complete


def default_namespace(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    name = metadata.get("name")
    if name:
        labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": name}
        metadata = {**metadata, "labels": labels}
    spec = manifest.get("spec") or {}
    status = {"phase": "Active", **(manifest.get("status") or {})}
    return {**manifest, "metadata": metadata, "spec": spec, "status": status}


_NODE_INFO = (
    "machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion",
    "kubeletVersion", "kubeProxyVersion", "operatingSystem", "architecture",
)  # fmt: skip


def default_node(manifest: Manifest) -> Manifest:
    status = {
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
        **(manifest.get("status") or {}),
    }
    status["nodeInfo"] = dict.fromkeys(_NODE_INFO, "") | (status.get("nodeInfo") or {})
    if status.get("capacity") and "allocatable" not in status:
        status["allocatable"] = status["capacity"]
    return {**manifest, "spec": _networks_of(manifest.get("spec") or {}), "status": status}


def _networks_of(spec: Manifest) -> Manifest:
    """A node's network in its old field and its networks in the new one agree: the old one wins."""
    first, every = spec.get("podCIDR"), spec.get("podCIDRs") or []
    if first and first not in every[:1]:
        return {**spec, "podCIDRs": [first]}
    return {**spec, "podCIDR": every[0]} if every and not first else spec


def default_volume(manifest: Manifest) -> Manifest:
    """A PersistentVolume."""
    spec = {
        "persistentVolumeReclaimPolicy": "Retain",
        "volumeMode": "Filesystem",
        **(manifest.get("spec") or {}),
    }
    if "hostPath" in spec:
        spec["hostPath"] = {"type": "", **spec["hostPath"]}
    return {**manifest, "spec": spec, "status": {"phase": "Pending", **manifest.get("status", {})}}


def default_limit_range(manifest: Manifest) -> Manifest:
    spec = manifest.get("spec") or {}
    limits = [_limit(entry) for entry in spec.get("limits") or ()]
    return {**manifest, "spec": {**spec, "limits": limits}}


def _limit(entry: Value) -> Value:
    if entry.get("type") != "Container":
        return entry
    default = {**(entry.get("max") or {}), **(entry.get("default") or {})}
    request = {**default, **(entry.get("min") or {}), **(entry.get("defaultRequest") or {})}
    complete = dict(entry)
    if default:
        complete["default"] = default
    if request:
        complete["defaultRequest"] = request
    return complete


def default_budget(manifest: Manifest) -> Manifest:
    """A PodDisruptionBudget."""
    status = {
        "disruptionsAllowed": 0,
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "expectedPods": 0,
        **(manifest.get("status") or {}),
    }
    return {**manifest, "spec": manifest.get("spec") or {}, "status": status}


_EVENT: Value = {
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
}
_NEW_EVENT: Value = {"deprecatedFirstTimestamp": None, "deprecatedLastTimestamp": None}


def default_event(manifest: Manifest) -> Manifest:
    if manifest["apiVersion"] != "v1":
        return {"deprecatedSource": {}, **_NEW_EVENT, "eventTime": None, "regarding": {}} | manifest
    return {**_EVENT, **manifest}


def default_binding(manifest: Manifest) -> Manifest:
    """A RoleBinding or ClusterRoleBinding: API groups of the role and of the subjects."""
    complete = {**manifest, "roleRef": {"apiGroup": _RBAC, **(manifest.get("roleRef") or {})}}
    if complete.get("subjects"):
        complete["subjects"] = [_subject(subject) for subject in complete["subjects"]]
    return complete


def _subject(subject: Value) -> Value:
    return {"apiGroup": _RBAC, **subject} if subject.get("kind") in ("User", "Group") else subject


def default_role(manifest: Manifest) -> Manifest:
    return {"rules": None, **manifest}


def default_definition(manifest: Manifest) -> Manifest:
    """A CustomResourceDefinition: names that follow from others, and no conversion."""
    spec = {"conversion": {"strategy": "None"}, **(manifest.get("spec") or {})}
    names: dict[str, Any] = dict(spec.get("names") or {})
    kind = names.get("kind", "")
    if kind:
        names.setdefault("singular", kind.lower())
        names.setdefault("listKind", f"{kind}List")
    spec["names"] = names
    stored = [version.get("name") for version in spec.get("versions") or ()
              if version.get("storage")]  # fmt: skip
    status = manifest.get("status") or {
        "conditions": None,
        "acceptedNames": {"plural": "", "kind": ""},
        "storedVersions": stored,
    }
    told = status.get("storedVersions") or []
    fresh = [name for name in stored if name not in told]
    if fresh:
        status = {**status, "storedVersions": [*told, *fresh]}
    return {**manifest, "spec": spec, "status": status}


_WEBHOOK: Value = {
    "failurePolicy": "Fail",
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "timeoutSeconds": 10,
}


def default_webhooks(manifest: Manifest) -> Manifest:
    """A ValidatingWebhookConfiguration or MutatingWebhookConfiguration."""
    mutates = manifest["kind"].startswith("Mutating")
    more = {"reinvocationPolicy": "Never"} if mutates else {}
    hooks = [_webhook({**_WEBHOOK, **more, **hook}) for hook in manifest.get("webhooks") or ()]
    return {**manifest, "webhooks": hooks} if hooks else manifest


def _webhook(hook: Value) -> Value:
    if hook.get("rules"):
        hook["rules"] = [{"scope": "*", **rule} for rule in hook["rules"]]
    client = hook.get("clientConfig") or {}
    if client.get("service"):
        hook["clientConfig"] = {**client, "service": {"port": 443, **client["service"]}}
    return hook


_MATCHING: Value = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}


def default_admission_policy(manifest: Manifest) -> Manifest:
    """A ValidatingAdmissionPolicy."""
    spec = {"failurePolicy": "Fail", **(manifest.get("spec") or {})}
    if spec.get("matchConstraints"):
        spec["matchConstraints"] = _matching(spec["matchConstraints"])
    return {**manifest, "spec": spec, "status": manifest.get("status") or {}}


def default_policy_binding(manifest: Manifest) -> Manifest:
    """A ValidatingAdmissionPolicyBinding."""
    spec = dict(manifest.get("spec") or {})
    if spec.get("matchResources"):
        spec["matchResources"] = _matching(spec["matchResources"])
    return {**manifest, "spec": spec}


def _matching(resources: Value) -> Value:
    complete = {**_MATCHING, **resources}
    for name in ("resourceRules", "excludeResourceRules"):
        if complete.get(name):
            complete[name] = [{"scope": "*", **rule} for rule in complete[name]]
    return complete


def default_ingress_class(manifest: Manifest) -> Manifest:
    spec = dict(manifest.get("spec") or {})
    if spec.get("parameters"):
        spec["parameters"] = {"scope": "Cluster", **spec["parameters"]}
    return {**manifest, "spec": spec}


_DRIVER: Value = {
    "attachRequired": True,
    "podInfoOnMount": False,
    "volumeLifecycleModes": ["Persistent"],
    "storageCapacity": False,
    "fsGroupPolicy": "ReadWriteOnceWithFSType",
    "requiresRepublish": False,
    "seLinuxMount": False,
}


def default_storage_driver(manifest: Manifest) -> Manifest:
    """A CSIDriver."""
    return {**manifest, "spec": {**_DRIVER, **(manifest.get("spec") or {})}}


def default_attachment(manifest: Manifest) -> Manifest:
    """A VolumeAttachment."""
    return {**manifest, "status": {"attached": False, **(manifest.get("status") or {})}}


def default_flow_schema(manifest: Manifest) -> Manifest:
    spec = {"matchingPrecedence": 1000, **(manifest.get("spec") or {})}
    return {**manifest, "spec": spec, "status": manifest.get("status") or {}}


_SHARES: Value = {"nominalConcurrencyShares": 30, "lendablePercent": 0}
_QUEUES: Value = {"queues": 64, "handSize": 8, "queueLengthLimit": 50}


def default_priority_level(manifest: Manifest) -> Manifest:
    """A PriorityLevelConfiguration."""
    spec = dict(manifest.get("spec") or {})
    if spec.get("type") == "Limited" and spec.get("limited") is not None:
        limited = {**_SHARES, **spec["limited"]}
        response = limited.get("limitResponse") or {}
        if response.get("type") == "Queue":
            queuing = {**_QUEUES, **(response.get("queuing") or {})}
            limited["limitResponse"] = {**response, "queuing": queuing}
        spec["limited"] = limited
    if spec.get("type") == "Exempt":
        spec["exempt"] = {
            "nominalConcurrencyShares": 0,
            "lendablePercent": 0,
            **(spec.get("exempt") or {}),
        }
    return {**manifest, "spec": spec, "status": manifest.get("status") or {}}
