"""Clusters of EKS as eksctl describes them (ClusterConfig), and whether they can be upgraded.

Source: eksctl's schema v1alpha5, the EKS user guide.
"""

from collections.abc import Iterator
from typing import Any

from kiban.audit.findings import Mend, Said, Severity, Verdict, rule
from kiban.audit.surroundings import version_of
from kiban.audit.view import View
from kiban.kube.objects import Key, get_in

# What the control plane needs free in each of its subnets while it is upgraded.
_UPGRADE_ADDRESSES = 5
_LEAST_ZONES = 2
# Amazon Linux 2 has no image from 1.33 on.
_LAST_AL2 = (1, 32)
_KUBELET_SKEW = 3


def _config(body: str) -> str:
    return (
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n"
        f"metadata: {{name: main, region: ap-northeast-1, version: '1.34'}}\n{body}"
    )


def _clusters(view: View) -> Iterator[tuple[Key, dict[str, Any]]]:
    for key, config in view.kind("ClusterConfig"):
        if key.group == "eksctl.io":
            yield key, config


def _groups(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in ("managedNodeGroups", "nodeGroups"):
        for one in config.get(kind) or ():
            if isinstance(one, dict):
                yield f"{kind}[{one.get('name', '')}]", one


@rule(
    Severity.WARNING,
    why="whoever steals a token may use it from anywhere",
    fix="set publicAccess: false, or publicAccessCIDRs to your own networks",
    example=_config("vpc: {clusterEndpoints: {publicAccess: true}}"),
)
def eks_endpoint_public(view: View) -> Iterator[Said]:
    for key, config in _clusters(view):
        public = get_in(config, "vpc", "clusterEndpoints", "publicAccess", default=True)
        networks = get_in(config, "vpc", "publicAccessCIDRs", default=["0.0.0.0/0"])
        if public and "0.0.0.0/0" in networks:
            yield Said(key, "vpc.clusterEndpoints.publicAccess", "anybody reaches the API server")


@rule(
    Severity.WARNING,
    why="nobody can tell afterwards who did what",
    fix="set cloudWatch.clusterLogging.enableTypes: [audit, api, authenticator]",
    example=_config("cloudWatch: {clusterLogging: {enableTypes: [api]}}"),
)
def eks_audit_logs(view: View) -> Iterator[Said]:
    for key, config in _clusters(view):
        types = get_in(config, "cloudWatch", "clusterLogging", "enableTypes", default=[])
        if not {"audit", "all", "*"} & set(types):
            yield Said(key, "cloudWatch.clusterLogging.enableTypes", "there is no audit log")


@rule(
    Severity.WARNING,
    why="whoever has a backup of the cluster has its Secrets",
    fix="set secretsEncryption.keyARN",
    example=_config("secretsEncryption: null"),
)
def eks_secrets_encryption(view: View) -> Iterator[Said]:
    for key, config in _clusters(view):
        if not get_in(config, "secretsEncryption", "keyARN"):
            yield Said(key, "secretsEncryption.keyARN", "Secrets have no key of their own")


@rule(
    Severity.WARNING,
    why="a node with a public address is found and tried within minutes",
    fix="set privateNetworking: true",
    example=_config("managedNodeGroups: [{name: main, privateNetworking: false}]"),
    mend=Mend(True, risky=True),
)
def eks_private_nodes(view: View) -> Iterator[Said]:
    for key, config in _clusters(view):
        for where, group in _groups(config):
            if not group.get("privateNetworking"):
                name = group.get("name", "")
                yield Said(key, f"{where}.privateNetworking", f"nodes of {name} are public")


@rule(
    Severity.ADVICE,
    why="nobody drains and renews such nodes for you",
    fix="use managedNodeGroups, Karpenter or Auto Mode",
    example=_config("nodeGroups: [{name: old, privateNetworking: true}]"),
)
def eks_managed_nodes(view: View) -> Iterator[Said]:
    for key, config in _clusters(view):
        for one in config.get("nodeGroups") or ():
            name = one.get("name", "")
            yield Said(key, f"nodeGroups[{name}]", f"{name} is a group that you manage yourself")


@rule(
    Severity.ERROR,
    why="there is no image of Amazon Linux 2 from Kubernetes 1.33 on: the upgrade stops there",
    fix="use AmazonLinux2023 or Bottlerocket",
    example=_config(
        "managedNodeGroups: [{name: main, privateNetworking: true, amiFamily: AmazonLinux2}]"
    ),
    mend=Mend("AmazonLinux2023", risky=True),
)
def al2_ami(view: View) -> Iterator[Said]:
    for key, config in _clusters(view):
        for where, group in _groups(config):
            if group.get("amiFamily") == "AmazonLinux2":
                yield Said(key, f"{where}.amiFamily", "its nodes run Amazon Linux 2")
    for key, node_class in view.kind("EC2NodeClass"):
        what = "its nodes run Amazon Linux 2"
        if get_in(node_class, "spec", "amiFamily") == "AL2":
            yield Said(key, "spec.amiFamily", what, value="AL2023")
        for index, one in enumerate(get_in(node_class, "spec", "amiSelectorTerms", default=[])):
            if str(one.get("alias", "")).startswith("al2@"):
                where = f"spec.amiSelectorTerms[{index}].alias"
                yield Said(key, where, what, value="al2023@latest")


@rule(
    Severity.ERROR,
    why="EKS demands it, and refuses the upgrade",
    fix="give the cluster subnets in two zones",
    example=_config("vpc: {subnets: {private: {ap-northeast-1a: {id: subnet-1}}}}"),
)
def eks_subnet_zones(view: View) -> Iterator[Said]:
    for key, config in _clusters(view):
        subnets = get_in(config, "vpc", "subnets", default={})
        zones = {zone for kind in subnets.values() if kind for zone in kind}
        if subnets and len(zones) < _LEAST_ZONES:
            yield Said(key, "vpc.subnets", f"its subnets are in {len(zones)} zone")


@rule(
    Severity.ERROR,
    why="the upgrade of the control plane needs five in two zones, and every pod needs one",
    fix="free addresses, or add subnets",
    example="# checked with subnets: {a: {zone: a, free: 2}, b: {zone: b, free: 9}}\n"
    + _config("vpc: {clusterEndpoints: {publicAccess: false}}"),
)
def subnet_headroom(view: View) -> Iterator[Said]:
    subnets = view.around.settings.subnets
    for key, _ in _clusters(view) if subnets else ():
        good = {one.zone for one in subnets.values() if one.free >= _UPGRADE_ADDRESSES}
        if len(good) < _LEAST_ZONES:
            what = f"only {len(good)} zone has {_UPGRADE_ADDRESSES} addresses for an upgrade"
            yield Said(key, "vpc.subnets", what)


@rule(
    Severity.ERROR,
    why="the pods that are still to come get no address and stay in ContainerCreating",
    fix="add subnets for pods (tag kubernetes.io/role/cni=1), or use prefixes",
    example="# checked with subnets: {a: {zone: a, free: 2}} in checks.yaml\n"
    "kind: Deployment\nmetadata: {name: api}\nspec: {replicas: 60}",
)
def subnet_pods(view: View) -> Iterator[Said]:
    subnets = view.around.settings.subnets
    if not subnets:
        return
    free = sum(one.free for one in subnets.values())
    growth = sum(one.most - one.replicas for one in view.long_running())
    for workload in view.long_running():
        fixed = workload.autoscaler is None and workload.replicas > free
        if fixed:
            what = f"{workload.replicas} pods, and the subnets have {free} addresses"
            yield Said(workload.key, "spec.replicas", what)
    for key, hpa in view.kind("HorizontalPodAutoscaler"):
        most = int(get_in(hpa, "spec", "maxReplicas", default=0))
        least = int(get_in(hpa, "spec", "minReplicas", default=1))
        if growth > free and most - least > 0:
            what = f"all autoscalers together may add {growth} pods, {free} addresses are free"
            yield Said(key, "spec.maxReplicas", what)


@rule(
    Severity.ERROR,
    why="a kubelet more than three versions behind its API server is not supported: renew the "
    "nodes first",
    fix="upgrade the node group before the control plane",
    example="# checked with --kubernetes-version 1.36\napiVersion: v1\nkind: Node\n"
    "metadata: {name: ip-10-0-0-1}\nstatus: {nodeInfo: {kubeletVersion: v1.30.4}}",
)
def kubelet_skew(view: View) -> Iterator[Said]:
    target = view.around.version
    for key, node in view.kind("Node"):
        text = get_in(node, "status", "nodeInfo", "kubeletVersion", default="")
        version = version_of(text)
        path = "status.nodeInfo.kubeletVersion"
        if target is None or version is None:
            continue
        if target[1] - version[1] > _KUBELET_SKEW:
            yield Said(key, path, f"its kubelet is {text}, the target {target[0]}.{target[1]}")
        if version > target:
            yield Said(key, path, f"its kubelet {text} is newer than the target", Verdict.FAIL)


@rule(
    Severity.ERROR,
    why="a kube-proxy that is newer than its API server, or three versions older, is not supported",
    fix="upgrade the add-on after the control plane",
    example="# checked with --kubernetes-version 1.36\napiVersion: apps/v1\nkind: DaemonSet\n"
    "metadata: {name: kube-proxy, namespace: kube-system}\nspec:\n"
    "  selector: {matchLabels: {k8s-app: kube-proxy}}\n  template:\n"
    "    metadata: {labels: {k8s-app: kube-proxy}}\n    spec: {containers: [{name: kube-proxy, "
    "image: '602401143452.dkr.ecr.ap-northeast-1.amazonaws.com/eks/kube-proxy:v1.31.2'}]}",
)
def kube_proxy_skew(view: View) -> Iterator[Said]:
    target = view.around.version
    for workload, container in view.each() if target else ():
        name, _, tag = container.image.rpartition(":")
        version = version_of(tag)
        if not name.endswith("kube-proxy") or version is None or target is None:
            continue
        if version > target or target[1] - version[1] > _KUBELET_SKEW:
            what = f"kube-proxy is {tag}, the target {target[0]}.{target[1]}"
            yield Said(workload.key, f"{container.path}.image", what)


@rule(
    Severity.WARNING,
    why="it is built against one version of Kubernetes and misjudges what newer nodes can do",
    fix="run the version of the cluster",
    example="# checked with --kubernetes-version 1.36\napiVersion: apps/v1\nkind: Deployment\n"
    "metadata: {name: cluster-autoscaler, namespace: kube-system}\nspec:\n"
    "  selector: {matchLabels: {app: ca}}\n  template:\n    metadata: {labels: {app: ca}}\n"
    "    spec: {containers: [{name: ca, image: "
    "'registry.k8s.io/autoscaling/cluster-autoscaler:v1.30.0'}]}",
)
def autoscaler_version(view: View) -> Iterator[Said]:
    target = view.around.version
    for workload, container in view.each() if target else ():
        name, _, tag = container.image.rpartition(":")
        version = version_of(tag)
        if name.endswith("/cluster-autoscaler") and version and version != target and target:
            what = f"the autoscaler is {tag}, the cluster {target[0]}.{target[1]}"
            yield Said(workload.key, f"{container.path}.image", what)


@rule(
    Severity.WARNING,
    why="kube-proxy no longer has IPVS from 1.36 on",
    fix="use iptables or nftables",
    example="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kube-proxy-config, "
    "namespace: kube-system}\ndata: {config: 'mode: \"ipvs\"'}",
)
def ipvs_mode(view: View) -> Iterator[Said]:
    for key, settings in view.kind("ConfigMap"):
        if key.name.startswith("kube-proxy"):
            for name, text in sorted((settings.get("data") or {}).items()):
                if 'mode: "ipvs"' in str(text) or "mode: ipvs" in str(text):
                    yield Said(key, f"data[{name}]", "kube-proxy works with IPVS")


@rule(
    Severity.WARNING,
    why="without it no autoscaler knows what pods use, and `kubectl top` is empty",
    fix="add the add-on metrics-server",
    example=_config("addons: [{name: vpc-cni}]"),
)
def metrics_server_present(view: View) -> Iterator[Said]:
    for key, config in _clusters(view):
        addons = [one.get("name") for one in config.get("addons") or () if isinstance(one, dict)]
        auto = get_in(config, "autoModeConfig", "enabled")
        if addons and "metrics-server" not in addons and not auto:
            yield Said(key, "addons", "metrics-server is not among the add-ons")


RULES = (
    eks_endpoint_public,
    eks_audit_logs,
    eks_secrets_encryption,
    eks_private_nodes,
    eks_managed_nodes,
    al2_ami,
    eks_subnet_zones,
    subnet_headroom,
    subnet_pods,
    kubelet_skew,
    kube_proxy_skew,
    autoscaler_version,
    ipvs_mode,
    metrics_server_present,
)
