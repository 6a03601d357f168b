"""Who comes from another tool finds every check of it, or the reason why it is none of ours."""

import pytest

from kiban.audit import BY_NAME
from kiban.audit.other_tools import LEFT_OUT, names, rules_called

# What the tools have between them, as one list: the yardstick for these rules.
WANTED = """
replicas-min hpa-min-replicas hpa-target-exists hpa-duplicate hpa-with-fixed-replicas
hpa-needs-requests hpa-max-fits-quota pdb-missing pdb-blocks-drain pdb-overlap pdb-selector-empty
pdb-dangling pdb-unhealthy-eviction-policy pdb-vs-hpa-min spread-zone spread-host spread-selector
spread-during-rollout spread-skew spread-min-domains spread-taints-policy spread-topology-key
spread-replicas spread-contradicted spread-capacity-type anti-affinity-required-too-strict
rolling-update-strategy max-unavailable-zero-ok surge-fits-subnet-ips min-ready-seconds
progress-deadline revision-history-limit recreate-with-rwo restart-policy naked-pod
statefulset-service-name sts-grace-zero mismatching-selector selector-collision readiness-missing
liveness-missing liveness-equals-readiness liveness-hits-dependency startup-missing-for-slow
probe-port-undeclared probe-timeout-gt-period probe-kills-before-start probe-exec-cost
prestop-missing grace-covers-drain readiness-gate sleep-action-version
shell-less-image-with-exec-prestop cpu-request memory-request memory-limit cpu-limit
memory-request-equals-limit ephemeral-storage limit-ratio requests-vs-usage daemonset-overhead
sidecar-requests init-max ns-quota limit-range java-heap-vs-limit gomemlimit gomaxprocs
request-bigger-than-any-node priority-class run-as-non-root uid-zero low-uid privileged
allow-privilege-escalation drop-all-capabilities added-capabilities read-only-root-fs
seccomp-runtime-default apparmor-unconfined selinux-type host-network host-pid host-ipc host-port
host-path docker-sock proc-mount unsafe-sysctls privileged-ports ssh-port sensitive-host-mounts
writable-host-mount windows-host-process pss-namespace-label automount-sa-token
default-service-account dedicated-sa-per-workload sa-missing deprecated-service-account-field
secret-in-env sensitive-env sensitive-configmap secret-plain-in-manifest wildcard-rules
cluster-admin-binding access-to-secrets create-pods pods-exec escalate-bind-impersonate nodes-proxy
webhook-admin anonymous-binding tag-latest digest-pinned registry-allowlist pull-policy
image-arch-matches-nodes ecr-immutable-tags stale-image ingress-nginx-retired service-dangling
service-target-port-name nodeport-type loadbalancer-type ingress-dangling ingress-tls
ingress-host-wildcard ingress-host-empty ingress-host-duplicate external-dns-unique
networkpolicy-missing np-dangling default-deny dns-ndots alb-scheme-explicit alb-group-order
target-type-ip alb-healthcheck-matches-readiness nlb-cross-zone lb-controller-v1-annotations
externaldns-hostname-in-delegated-zone externaldns-owner-id-unique externaldns-policy sts-regional
irsa-annotation-valid-arn irsa-and-podidentity-both node-role-used-for-app-perms imds-hop-limit-1
aws-node-irsa fargate-with-pod-identity spot-tolerance-for-stateful spot-without-pdb-or-prestop
do-not-disrupt-annotation-abuse karpenter-daemonset-priority zone-locked-ebs-with-spread
gp2-storageclass efs-access-points cronjob-deadline cronjob-concurrency cronjob-schedule-valid
cronjob-timezone job-ttl job-backoff job-active-deadline cronjob-history-limits dst-or-utc
schema-valid api-deprecated api-removed duplicate-env-var env-value-from-missing label-values
owner-labels default-namespace sorted-keys name-label-match dangling-servicemonitor
prod-matches-staging eks-endpoint-public eks-audit-logs eks-secrets-encryption eks-private-nodes
eks-managed-nodes metrics-server-present autoscaler-version kubelet-skew kube-proxy-skew ipvs-mode
al2-ami eks-subnet-zones subnet-headroom subnet-pods
"""


def test_every_check_of_the_field_is_a_rule() -> None:
    assert [name for name in WANTED.split() if name not in BY_NAME] == []


@pytest.mark.parametrize("tool", names())
def test_names_of_other_tools_lead_to_rules(tool: str) -> None:
    for name, rules in names()[tool].items():
        assert rules, name
        assert [one for one in rules if one not in BY_NAME] == []


def test_what_is_left_out_has_a_reason() -> None:
    assert all(tool in names() and reason for (tool, _), reason in LEFT_OUT.items())


def test_a_name_of_another_tool_is_understood() -> None:
    assert rules_called("CKV_K8S_22") == ("read-only-root-fs",)
    assert rules_called("nobody-knows") == ()
