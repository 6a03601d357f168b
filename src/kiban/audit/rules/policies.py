"""Network policies and names: who may come in, and how many questions a name costs."""

from collections.abc import Iterator

from kiban.audit.findings import Mend, Said, Severity, Verdict, rule
from kiban.audit.view import View, read_selector
from kiban.kube.objects import get_in

_NDOTS = 2


@rule(
    Severity.WARNING,
    why="every pod of the cluster may speak to it, one that was taken over too",
    fix="add a NetworkPolicy that chooses its pods",
    example="kind: NetworkPolicy\nmetadata: {name: default-deny}\n"
    "spec: {podSelector: {matchLabels: {app: other}}}\n---\n"
    "kind: NetworkPolicy\nmetadata: {name: api}\n"
    "spec: {podSelector: {matchLabels: {app: other}}}",
)
def networkpolicy_missing(view: View) -> Iterator[Said]:
    covered = set()
    kinds = ("NetworkPolicy", "CiliumNetworkPolicy", "SecurityGroupPolicy")
    opaque = {key.namespace for kind in kinds[1:] for key, _ in view.kind(kind)}
    for key, policy in view.kind("NetworkPolicy"):
        selector = read_selector(get_in(policy, "spec", "podSelector", default={}))
        covered |= {one.key for one in view.chosen_by(key.namespace, selector)}
    for workload in view.workloads:
        if workload.key not in covered and not workload.pod.get("hostNetwork"):
            verdict = Verdict.UNKNOWN if workload.key.namespace in opaque else Verdict.FAIL
            yield Said(workload.key, "", "no NetworkPolicy selects its pods", verdict)


@rule(
    Severity.WARNING,
    why="what it was written for is open",
    fix="select labels that the pods have",
    example="kind: NetworkPolicy\nmetadata: {name: api}\n"
    "spec: {podSelector: {matchLabels: {app.kubernetes.io/name: apj}}}",
)
def np_dangling(view: View) -> Iterator[Said]:
    for key, policy in view.kind("NetworkPolicy"):
        wanted = get_in(policy, "spec", "podSelector", default={})
        if any(wanted.values()) and not view.chosen_by(key.namespace, read_selector(wanted)):
            yield Said(key, "spec.podSelector", "the policy chooses no pods")


@rule(
    Severity.ADVICE,
    why="a new workload is open to the whole cluster until somebody writes a policy for it",
    fix="add a policy that chooses all pods and lets nobody in",
    example="kind: NetworkPolicy\nmetadata: {name: default-deny}\n"
    "spec: {podSelector: {matchLabels: {app.kubernetes.io/name: api}}}",
)
def default_deny(view: View) -> Iterator[Said]:
    denied = {
        key.namespace
        for key, policy in view.kind("NetworkPolicy")
        if not any(get_in(policy, "spec", "podSelector", default={}).values())
        and not get_in(policy, "spec", "ingress")
    }
    for key, _ in view.kind("Namespace"):
        if key.name not in denied and view.by_namespace.get(key.name):
            yield Said(key, "metadata.name", "pods that no policy chooses are open")


@rule(
    Severity.ADVICE,
    why="each name of the outside is asked for five times, and CoreDNS is the first to be full",
    fix="set dnsConfig.options ndots to 2, or end names with a dot",
    example="kind: Deployment\nmetadata: {name: api}\nspec: {template: {spec: {dnsConfig: null}}}",
    mend=Mend(),
    optional=True,
)
def dns_ndots(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        options = get_in(workload.pod, "dnsConfig", "options", default=[])
        said = any(one.get("name") == "ndots" for one in options)
        inside = workload.pod.get("dnsPolicy", "ClusterFirst").startswith("ClusterFirst")
        if inside and not said:
            wanted = [*options, {"name": "ndots", "value": str(_NDOTS)}]
            said_at = f"{workload.prefix}.dnsConfig.options"
            yield Said(workload.key, said_at, "names are asked for with five endings", value=wanted)


RULES = (networkpolicy_missing, np_dangling, default_deny, dns_ndots)
