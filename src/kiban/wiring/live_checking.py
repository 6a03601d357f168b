"""`kiban check --live`: the audit of what runs in a cluster, whoever put it there."""

import asyncio
from collections.abc import Callable

from kiban.adapters.kubernetes import KubernetesCluster, load_access
from kiban.audit import GROUPS, Finding, check
from kiban.audit.results import Report, Result
from kiban.kube.objects import GroupKind, Key, Manifest, key_of
from kiban.kube.ports import ApiError
from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.wiring.checking import Options, judging_of, team_of, unjudged
from kiban.wiring.cluster_command import kubeconfig_path

# What rules look at. A cluster that does not know one of them has none.
KINDS = tuple(
    GroupKind(group, kind)
    for group, kinds in (
        ("", "Namespace Node Pod Service ServiceAccount ConfigMap Secret ResourceQuota LimitRange "
             "PersistentVolumeClaim PersistentVolume ReplicationController"),
        ("apps", "Deployment StatefulSet DaemonSet ReplicaSet"),
        ("batch", "Job CronJob"),
        ("autoscaling", "HorizontalPodAutoscaler"),
        ("policy", "PodDisruptionBudget"),
        ("networking.k8s.io", "Ingress NetworkPolicy"),
        ("rbac.authorization.k8s.io", "ClusterRole ClusterRoleBinding Role RoleBinding"),
        ("storage.k8s.io", "StorageClass"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("gateway.networking.k8s.io", "HTTPRoute Gateway"),
        ("keda.sh", "ScaledObject"),
        ("karpenter.k8s.aws", "EC2NodeClass"),
        ("monitoring.coreos.com", "ServiceMonitor"),
    )
    for kind in kinds.split()
)  # fmt: skip
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease")
_OF_CLUSTERS = frozenset(rule.name for rule in GROUPS["EKS clusters and upgrades"])
# Lists that are asked for at the same time.
_AT_ONCE = 8


def check_live(context: str, namespace: str, options: Options, kubeconfig: str = "") -> Report:
    """All namespaces but the system's, or one. Without a context, the embedded cluster when there
    is one here, and else what kubectl would use."""
    if not (context or kubeconfig):
        kubeconfig = _embedded()
    manifests, version, problems = asyncio.run(_listed(context, kubeconfig))
    judging = judging_of(options, None)
    if not judging.settings.version and not options.version:
        judging.settings = judging.settings.model_copy(update={"version": version})
    scope = context or "cluster"
    findings = [
        one for one in check(manifests, around=judging.around()) if _is_asked(one, namespace)
    ]
    results = judging.results(findings, _placer(scope, manifests))
    report = judging.report(results, {scope: len(manifests)})
    return Report(report.results, (*problems, *report.problems), report.objects)


def _embedded() -> str:
    try:
        return str(kubeconfig_path(None))
    except KibanError:
        return ""


def _is_asked(finding: Finding, namespace: str) -> bool:
    own = finding.object.namespace or (
        finding.object.name if finding.object.kind == "Namespace" else ""
    )
    if namespace:
        return own == namespace
    return own not in _SYSTEM or finding.rule in _OF_CLUSTERS


def _placer(scope: str, manifests: list[Manifest]) -> Callable[[Finding], Result]:
    by_key: dict[Key, Manifest] = {key_of(one): one for one in manifests}

    def made(finding: Finding) -> Result:
        team = team_of(by_key[finding.object]) if finding.object in by_key else ""
        return unjudged(finding, scope, scope, team, Place())

    return made


async def _listed(context: str, kubeconfig: str) -> tuple[list[Manifest], str, list[Problem]]:
    problems: list[Problem] = []
    async with KubernetesCluster(load_access(context, kubeconfig)) as cluster:
        try:
            version = await cluster.version()
        except ApiError as error:
            what = f"the cluster does not answer: {error}"
            raise KibanError(Problem("check/cluster", what), Exit.WORLD_FAILED) from error
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(kind: GroupKind) -> list[Manifest]:
            async with limit:
                try:
                    return list((await cluster.list(kind)).items)
                except ApiError as error:
                    if error.code != 404:
                        what = f"{kind} cannot be listed: {error}"
                        problems.append(Problem("check/cluster", what))
                    return []

        found = await asyncio.gather(*(one(kind) for kind in KINDS))
    said = f"{version.get('major', '')}.{version.get('minor', '')}"
    return [manifest for items in found for manifest in items], said, problems
