"""EKS: credentials, capacity that may be taken away, and disks that belong to one zone."""

import re
from collections.abc import Iterator
from typing import Any

from kiban.audit.findings import Mend, Said, Severity, Verdict, rule
from kiban.audit.view import View, Workload
from kiban.kube.objects import Key, annotations_of, get_in

_ROLE = "eks.amazonaws.com/role-arn"
_REGIONAL = "eks.amazonaws.com/sts-regional-endpoints"
_ARN = re.compile(r"arn:aws(?:-cn|-us-gov)?:iam::\d{12}:role/[\w+=,.@/-]+")
_SPOT_LABELS = ("eks.amazonaws.com/capacityType", "karpenter.sh/capacity-type")
_KEEP = ("karpenter.sh/do-not-disrupt", "karpenter.sh/do-not-evict",
         "cluster-autoscaler.kubernetes.io/safe-to-evict")  # fmt: skip
_POD = "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n"
_CLASS = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\n"


@rule(
    Severity.WARNING,
    why="an outage of one region takes the credentials of all",
    fix="leave the variable out, or set it to regional",
    example=f"{_POD}      containers: [{{name: app, env: "
    "[{name: AWS_STS_REGIONAL_ENDPOINTS, value: legacy}]}]",
    mend=Mend("regional"),
)
def sts_regional(view: View) -> Iterator[Said]:
    # Absence is no fault: regional has been the default since Kubernetes 1.22.
    for workload, container in view.each():
        for name, value in container.variables():
            if name == "AWS_STS_REGIONAL_ENDPOINTS" and value == "legacy":
                what = f"{container.name} asks the global STS endpoint for its credentials"
                yield Said(workload.key, f"{container.path}.env[{name}].value", what)
    for key, account in view.kind("ServiceAccount"):
        if annotations_of(account).get(_REGIONAL) == "false":
            what = "its pods ask the global STS endpoint for their credentials"
            yield Said(key, f'metadata.annotations["{_REGIONAL}"]', what)


@rule(
    Severity.ERROR,
    why="the pods get no credentials, and the program says AccessDenied",
    fix="write arn:aws:iam::ACCOUNT:role/NAME",
    example=f"kind: ServiceAccount\nmetadata: {{name: api, annotations: {{{_ROLE}: api-role}}}}",
)
def irsa_annotation_valid_arn(view: View) -> Iterator[Said]:
    for key, account in view.kind("ServiceAccount"):
        role = annotations_of(account).get(_ROLE)
        if role is not None and not _ARN.fullmatch(role):
            yield Said(key, f'metadata.annotations["{_ROLE}"]', f"{role!r} is no ARN of a role")


def _associations(view: View) -> Iterator[tuple[Key, str, str]]:
    """Pod identities, as the controllers that make them describe them."""
    for key, one in view.kind("PodIdentityAssociation"):
        spec: Any = one.get("spec") or {}
        name = spec.get("serviceAccount") or get_in(spec, "forProvider", "serviceAccount")
        namespace = spec.get("namespace") or get_in(spec, "forProvider", "namespace")
        yield key, str(namespace), str(name)


def _pod_identity(name: str) -> str:
    return (
        "apiVersion: eks.services.k8s.aws/v1alpha1\nkind: PodIdentityAssociation\n"
        f"metadata: {{name: {name}, namespace: shop}}\n"
        f"spec: {{namespace: shop, serviceAccount: {name}, roleARN: "
        "'arn:aws:iam::123456789012:role/api'}"
    )


@rule(
    Severity.WARNING,
    why="the pod identity wins, whatever the annotation says",
    fix="remove the annotation",
    example=f"kind: ServiceAccount\nmetadata: {{name: api, annotations: {{{_ROLE}: "
    f"'arn:aws:iam::123456789012:role/api'}}}}\n---\n{_pod_identity('api')}",
    mend=Mend(remove=True, risky=True),
)
def irsa_and_podidentity_both(view: View) -> Iterator[Said]:
    identities = {(namespace, name) for _, namespace, name in _associations(view)}
    for key, account in view.kind("ServiceAccount"):
        if _ROLE in annotations_of(account) and (key.namespace, key.name) in identities:
            path = f'metadata.annotations["{_ROLE}"]'
            yield Said(key, path, "it has a role by annotation and one by pod identity")


@rule(
    Severity.WARNING,
    why="keys do not expire and are copied; every pod of the node may have the node's role",
    fix="give the service a `role`",
    example=f"{_POD}      containers: [{{name: app, env: [{{name: AWS_ACCESS_KEY_ID, valueFrom: "
    "{secretKeyRef: {name: aws, key: id}}}]}]",
)
def node_role_used_for_app_perms(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        for one in container.body.get("env") or ():
            optional = get_in(one, "valueFrom", "secretKeyRef", "optional")
            if one.get("name") == "AWS_ACCESS_KEY_ID" and not optional:
                what = f"{container.name} has keys of AWS instead of a role"
                yield Said(workload.key, f"{container.path}.env[AWS_ACCESS_KEY_ID]", what)
            if one.get("name") == "AWS_EC2_METADATA_DISABLED" and one.get("value") == "false":
                what = f"{container.name} asks its node for credentials"
                yield Said(workload.key, f"{container.path}.env[{one['name']}]", what)


@rule(
    Severity.WARNING,
    why="with two hops every pod can ask the node for its role",
    fix="set httpPutResponseHopLimit: 1 and httpTokens: required",
    example="apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: main}\n"
    "spec: {role: nodes, metadataOptions: {httpPutResponseHopLimit: 2}}",
)
def imds_hop_limit_1(view: View) -> Iterator[Said]:
    for key, node_class in view.kind("EC2NodeClass"):
        options = get_in(node_class, "spec", "metadataOptions", default={})
        if int(options.get("httpPutResponseHopLimit", 1)) > 1:
            path = "spec.metadataOptions.httpPutResponseHopLimit"
            yield Said(key, path, "pods can reach the metadata of their node")
        if options.get("httpTokens", "required") != "required":
            yield Said(key, "spec.metadataOptions.httpTokens", "IMDSv1 answers without a token")


@rule(
    Severity.ADVICE,
    why="the node's role may then change every network interface, and every pod can be the node",
    fix="give aws-node a role of its own",
    example="apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: aws-node, "
    "namespace: kube-system}",
)
def aws_node_irsa(view: View) -> Iterator[Said]:
    identities = {(namespace, name) for _, namespace, name in _associations(view)}
    for key, account in view.kind("ServiceAccount"):
        own = _ROLE in annotations_of(account) or (key.namespace, key.name) in identities
        if key.name == "aws-node" and not own:
            yield Said(key, f'metadata.annotations["{_ROLE}"]', "aws-node uses the node's role")


@rule(
    Severity.ERROR,
    why="Fargate has no agent for pod identities: the program gets no credentials",
    fix="use the annotation eks.amazonaws.com/role-arn",
    example=f"kind: Deployment\nmetadata: {{name: api}}\nspec: {{template: {{metadata: {{labels: "
    f"{{eks.amazonaws.com/fargate-profile: main}}}}}}}}\n---\n{_pod_identity('api')}",
)
def fargate_with_pod_identity(view: View) -> Iterator[Said]:
    identities = {(namespace, name) for _, namespace, name in _associations(view)}
    for workload in view.workloads:
        account = workload.pod.get("serviceAccountName", "default")
        on_fargate = "eks.amazonaws.com/fargate-profile" in workload.labels
        if on_fargate and (workload.key.namespace, account) in identities:
            yield workload.said("serviceAccountName", "its account has a role by pod identity only")


def _may_be_on_spot(workload: Workload) -> bool:
    selector = workload.pod.get("nodeSelector") or {}
    if any(str(selector.get(name, "")).lower() == "spot" for name in _SPOT_LABELS):
        return True
    for one in workload.pod.get("tolerations") or ():
        text = f"{one.get('key', '')}{one.get('value', '')}".lower()
        if "spot" in text:
            return True
    for term in _node_terms(workload):
        values = [str(value).lower() for value in term.get("values") or ()]
        if term.get("key") in _SPOT_LABELS and term.get("operator") == "In" and "spot" in values:
            return True
    return False


def _node_terms(workload: Workload) -> Iterator[Any]:
    affinity = get_in(workload.pod, "affinity", "nodeAffinity", default={})
    hard = get_in(
        affinity,
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
        default=[],
    )
    soft = [
        one.get("preference") or {}
        for one in affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    ]
    for term in (*hard, *soft):
        yield from term.get("matchExpressions") or ()


@rule(
    Severity.WARNING,
    why="two minutes are not enough to move a disk and its data",
    fix="keep what has state on demand capacity",
    example="kind: StatefulSet\nmetadata: {name: db}\nspec: {template: {spec: {nodeSelector: "
    "{karpenter.sh/capacity-type: spot}}}}",
)
def spot_tolerance_for_stateful(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        if workload.kind == "StatefulSet" and _may_be_on_spot(workload):
            yield workload.said("nodeSelector", "its pods may be on spot capacity")


@rule(
    Severity.WARNING,
    why="spot nodes go in numbers: without a budget and a preStop hook, so do the requests",
    fix="add a budget, a preStop and a second instance (`scale: 2` and `drain` of a service)",
    example=f"{_POD}      nodeSelector: {{karpenter.sh/capacity-type: spot}}\n"
    "      containers: [{name: app, lifecycle: null}]",
)
def spot_without_pdb_or_prestop(view: View) -> Iterator[Said]:
    covered = {one.key for _, _, workloads in view.budgets() for one in workloads}
    for workload in view.long_running():
        if workload.kind == "DaemonSet" or not _may_be_on_spot(workload):
            continue
        ports = any(container.body.get("ports") for container in workload.running)
        hooked = any(get_in(one.body, "lifecycle", "preStop") for one in workload.running)
        if workload.key not in covered and workload.replicas > 1:
            yield workload.said("nodeSelector", "it may be on spot capacity and has no budget")
        elif ports and not hooked:
            yield workload.said("nodeSelector", "it may be on spot capacity and has no preStop")


@rule(
    Severity.WARNING,
    why="its node is never renewed or taken away: it costs, and stays without patches",
    fix="keep the annotation for jobs that cannot begin again",
    example="kind: Deployment\nmetadata: {name: api}\nspec: {template: {metadata: {annotations: "
    "{karpenter.sh/do-not-disrupt: 'true'}}}}",
    mend=Mend(remove=True, risky=True),
)
def do_not_disrupt_annotation_abuse(view: View) -> Iterator[Said]:
    for workload in view.long_running():
        for name in _KEEP:
            value = workload.annotations.get(name)
            keeps = value == ("false" if name.endswith("safe-to-evict") else "true")
            if keeps and workload.kind == "Deployment":
                where = workload.prefix.removesuffix("spec") + f'metadata.annotations["{name}"]'
                yield Said(workload.key, where, f"{name} keeps its nodes for ever")


@rule(
    Severity.ADVICE,
    why="on a full node the daemon waits, and Karpenter counted it in when it chose the node",
    fix="set priorityClassName: system-node-critical",
    example="apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: agent, namespace: shop}\n"
    "spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: "
    "{containers: [{name: a, image: 'registry.example/a:v1'}]}}}",
    mend=Mend("system-node-critical"),
)
def karpenter_daemonset_priority(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        if workload.kind == "DaemonSet" and not workload.pod.get("priorityClassName"):
            yield workload.said("priorityClassName", "other pods may keep the daemon out")


@rule(
    Severity.WARNING,
    why="an EBS disk stays in its zone: when the zone is full or gone, its pod waits",
    fix="use volumeBindingMode: WaitForFirstConsumer, and a filesystem for what must move",
    example=f"{_CLASS}metadata: {{name: fast}}\nprovisioner: ebs.csi.aws.com\n"
    "volumeBindingMode: Immediate\nparameters: {type: gp3}",
    mend=Mend("WaitForFirstConsumer", risky=True),
)
def zone_locked_ebs_with_spread(view: View) -> Iterator[Said]:
    for key, storage in view.kind("StorageClass"):
        ebs = storage.get("provisioner") in ("ebs.csi.aws.com", "kubernetes.io/aws-ebs")
        if ebs and storage.get("volumeBindingMode", "Immediate") == "Immediate":
            what = "a disk is made in some zone before its pod has one"
            yield Said(key, "volumeBindingMode", what)


@rule(
    Severity.ADVICE,
    why="gp3 is a fifth cheaper and as fast at any size",
    fix="set parameters.type: gp3",
    example=f"{_CLASS}metadata: {{name: old}}\nprovisioner: ebs.csi.aws.com\n"
    "volumeBindingMode: WaitForFirstConsumer\nparameters: {type: gp2}",
    mend=Mend("gp3", risky=True),
)
def gp2_storageclass(view: View) -> Iterator[Said]:
    for key, storage in view.kind("StorageClass"):
        type_ = get_in(storage, "parameters", "type")
        old = storage.get("provisioner") == "kubernetes.io/aws-ebs"
        if type_ == "gp2" or (old and type_ is None):
            yield Said(key, "parameters.type", "its disks are gp2")


@rule(
    Severity.WARNING,
    why="without access points every pod sees the files of all others, as whatever user it likes",
    fix="use provisioningMode: efs-ap, and encrypt the filesystem",
    example=f"{_CLASS}metadata: {{name: shared}}\nprovisioner: efs.csi.aws.com\n"
    "parameters: {fileSystemId: fs-1}",
    mend=Mend("efs-ap", risky=True),
)
def efs_access_points(view: View) -> Iterator[Said]:
    for key, storage in view.kind("StorageClass"):
        mode = get_in(storage, "parameters", "provisioningMode")
        if storage.get("provisioner") == "efs.csi.aws.com" and mode != "efs-ap":
            yield Said(key, "parameters.provisioningMode", "its volumes are one filesystem")
    for key, volume in view.kind("PersistentVolume"):
        csi = get_in(volume, "spec", "csi", default={})
        options = get_in(volume, "spec", "mountOptions", default=[])
        if csi.get("driver") == "efs.csi.aws.com" and "notls" in options:
            what = "files cross the network in clear"
            yield Said(key, "spec.mountOptions", what, Verdict.FAIL)


RULES = (
    sts_regional,
    irsa_annotation_valid_arn,
    irsa_and_podidentity_both,
    node_role_used_for_app_perms,
    imds_hop_limit_1,
    aws_node_irsa,
    fargate_with_pod_identity,
    spot_tolerance_for_stateful,
    spot_without_pdb_or_prestop,
    do_not_disrupt_annotation_abuse,
    karpenter_daemonset_priority,
    zone_locked_ebs_with_spread,
    gp2_storageclass,
    efs_access_points,
)
