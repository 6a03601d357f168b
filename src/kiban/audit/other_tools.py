"""How other tools name what the rules look at, so that people who come from them find their way,
and why some of their checks are none of ours.

Sources: the published lists of kube-linter (docs/generated/checks.md), kube-score (README_CHECKS),
Polaris (checks documentation), checkov (policy index, CKV_K8S) and eksup (README).
"""

KUBE_LINTER = """
access-to-create-pods: create-pods
access-to-secrets: access-to-secrets
cluster-admin-role-binding: cluster-admin-binding
dangling-horizontalpodautoscaler: hpa-target-exists
dangling-ingress: ingress-dangling
dangling-networkpolicy: np-dangling
dangling-service: service-dangling
dangling-servicemonitor: dangling-servicemonitor
default-service-account: default-service-account
deprecated-service-account-field: deprecated-service-account-field
dnsconfig-options: dns-ndots
docker-sock: docker-sock
drop-net-raw-capability: drop-all-capabilities
duplicate-env-var: duplicate-env-var
env-value-from: env-value-from-missing
env-var-secret: sensitive-env
exposed-services: nodeport-type loadbalancer-type
host-ipc: host-ipc
host-network: host-network
host-pid: host-pid
hpa-minimum-three-replicas: hpa-min-replicas
invalid-target-ports: service-target-port-name schema-valid
job-ttl-seconds-after-finished: job-ttl
latest-tag: tag-latest
liveness-port: probe-port-undeclared
minimum-three-replicas: replicas-min
mismatching-selector: mismatching-selector
no-anti-affinity: spread-host spread-zone
no-extensions-v1beta: api-removed
no-liveness-probe: liveness-missing
no-read-only-root-fs: read-only-root-fs
no-readiness-probe: readiness-missing
no-rolling-update-strategy: rolling-update-strategy
non-existent-service-account: sa-missing
non-isolated-pod: networkpolicy-missing
pdb-max-unavailable: pdb-blocks-drain
pdb-min-available: pdb-blocks-drain pdb-vs-hpa-min
pdb-unhealthy-pod-eviction-policy: pdb-unhealthy-eviction-policy
priority-class-name: priority-class
privilege-escalation-container: allow-privilege-escalation
privileged-container: privileged
privileged-ports: privileged-ports
read-secret-from-env-var: secret-in-env
readiness-port: probe-port-undeclared
required-annotation-email: owner-labels
required-label-owner: owner-labels
restart-policy: restart-policy
run-as-non-root: run-as-non-root
schema-validation: schema-valid unknown-field
sensitive-host-mounts: sensitive-host-mounts
sorted-keys: sorted-keys
ssh-port: ssh-port
startup-port: probe-port-undeclared
unsafe-proc-mount: proc-mount
unsafe-sysctls: unsafe-sysctls
unset-cpu-requirements: cpu-request cpu-limit
unset-memory-requirements: memory-request memory-limit
use-namespace: default-namespace
wildcard-in-rules: wildcard-rules
writable-host-mount: writable-host-mount
"""

KUBE_SCORE = """
container-image-tag: tag-latest
container-image-pull-policy: pull-policy
container-resources: cpu-request memory-request memory-limit cpu-limit
container-memory-requests-equal-limits: memory-request-equals-limit
container-ephemeral-storage-request-and-limit: ephemeral-storage
container-ports-check: schema-valid
container-security-context-user-group-id: low-uid
container-security-context-privileged: privileged
container-security-context-readonlyrootfilesystem: read-only-root-fs
container-seccomp-profile: seccomp-runtime-default
pod-networkpolicy: networkpolicy-missing
networkpolicy-targets-pod: np-dangling
pod-probes: readiness-missing
pod-probes-identical: liveness-equals-readiness
pod-topology-spread-constraints: spread-host spread-zone
service-targets-pod: service-dangling
service-type: nodeport-type
stable-version: api-deprecated api-removed
deployment-has-host-podantiaffinity: spread-host
statefulset-has-host-podantiaffinity: spread-host
deployment-targeted-by-hpa-does-not-have-replicas-configured: hpa-with-fixed-replicas
deployment-replicas: replicas-min
deployment-has-poddisruptionbudget: pdb-missing
statefulset-has-poddisruptionbudget: pdb-missing
poddisruptionbudget-has-policy: pdb-blocks-drain
statefulset-has-servicename: statefulset-service-name
deployment-pod-selector-labels-match-template-metadata-labels: mismatching-selector schema-valid
statefulset-pod-selector-labels-match-template-metadata-labels: mismatching-selector schema-valid
label-values: label-values
environment-variable-key-duplication: duplicate-env-var
horizontalpodautoscaler-has-target: hpa-target-exists
horizontalpodautoscaler-replicas: hpa-min-replicas
ingress-targets-service: ingress-dangling
cronjob-has-deadline: cronjob-deadline
cronjob-restartpolicy: job-restart-policy
"""

POLARIS = """
deploymentMissingReplicas: replicas-min
priorityClassNotSet: priority-class
tagNotSpecified: tag-latest
pullPolicyNotAlways: pull-policy
readinessProbeMissing: readiness-missing
livenessProbeMissing: liveness-missing
metadataAndInstanceMismatched: name-label-match
missingPodDisruptionBudget: pdb-missing
pdbDisruptionsIsZero: pdb-blocks-drain
pdbMinAvailableGreaterThanHPAMinReplicas: pdb-vs-hpa-min
topologySpreadConstraint: spread-host spread-zone
hpaMinAvailability: hpa-min-replicas
hpaMaxAvailability: hpa-range
cpuRequestsMissing: cpu-request
cpuLimitsMissing: cpu-limit
memoryRequestsMissing: memory-request
memoryLimitsMissing: memory-limit
hostIPCSet: host-ipc
hostPIDSet: host-pid
hostNetworkSet: host-network
hostPathSet: host-path
hostPortSet: host-port
hostProcess: windows-host-process
procMount: proc-mount
linuxHardening: seccomp-runtime-default apparmor-unconfined selinux-type drop-all-capabilities
missingNetworkPolicy: networkpolicy-missing
notReadOnlyRootFilesystem: read-only-root-fs
privilegeEscalationAllowed: allow-privilege-escalation
runAsRootAllowed: run-as-non-root uid-zero
runAsPrivileged: privileged
dangerousCapabilities: added-capabilities
insecureCapabilities: drop-all-capabilities
tlsSettingsMissing: ingress-tls
sensitiveContainerEnvVar: sensitive-env
sensitiveConfigmapContent: sensitive-configmap
clusterrolePodExecAttach: pods-exec
rolePodExecAttach: pods-exec
clusterrolebindingClusterAdmin: cluster-admin-binding
rolebindingClusterAdminClusterRole: cluster-admin-binding
automountServiceAccountToken: automount-sa-token
"""

CHECKOV = """
CKV_K8S_8: liveness-missing
CKV_K8S_9: readiness-missing
CKV_K8S_10: cpu-request
CKV_K8S_11: cpu-limit
CKV_K8S_12: memory-request
CKV_K8S_13: memory-limit
CKV_K8S_14: tag-latest
CKV_K8S_15: pull-policy
CKV_K8S_16: privileged
CKV_K8S_17: host-pid
CKV_K8S_18: host-ipc
CKV_K8S_19: host-network
CKV_K8S_20: allow-privilege-escalation
CKV_K8S_21: default-namespace
CKV_K8S_22: read-only-root-fs
CKV_K8S_23: run-as-non-root uid-zero
CKV_K8S_25: added-capabilities
CKV_K8S_26: host-port
CKV_K8S_27: docker-sock
CKV_K8S_28: drop-all-capabilities
CKV_K8S_31: seccomp-runtime-default
CKV_K8S_35: secret-in-env
CKV_K8S_37: drop-all-capabilities
CKV_K8S_38: automount-sa-token
CKV_K8S_39: added-capabilities
CKV_K8S_40: low-uid
CKV_K8S_41: default-service-account
CKV_K8S_43: digest-pinned
CKV_K8S_49: wildcard-rules
CKV_K8S_155: webhook-admin
CKV_K8S_157: escalate-bind-impersonate
CKV_K8S_158: escalate-bind-impersonate
CKV2_K8S_6: networkpolicy-missing
"""

EKSUP = """
AWS001: subnet-pods
AWS002: subnet-pods surge-fits-subnet-ips
EKS001: eks-subnet-zones subnet-headroom
EKS008: al2-ami
K8S001: kubelet-skew
K8S002: replicas-min
K8S003: min-ready-seconds
K8S004: pdb-missing
K8S005: spread-host spread-zone
K8S006: readiness-missing
K8S007: sts-grace-zero
K8S008: docker-sock
K8S009: api-removed
K8S011: kube-proxy-skew
K8S012: ipvs-mode
K8S013: ingress-nginx-retired
"""

LEFT_OUT = {
    ("kube-linter", "dangling-networkpolicypeer-podselector"): "peers often belong to others, "
    "whose manifests are not at hand",
    ("kube-linter", "no-node-affinity"): "where a pod may run is a choice, and most need none",
    ("kube-linter", "scc-deny-privileged-container"): "OpenShift's own kind",
    ("kube-score", "container-cpu-requests-equal-limits"): "it throttles for nothing; cpuLimits of "
    "checks.yaml decides about limits",
    ("checkov", "CKV_K8S_29, CKV_K8S_30"): "that there is a security context says nothing; its "
    "fields are checked one by one",
    ("checkov", "CKV_K8S_68 to CKV_K8S_151"): "flags of control planes and kubelets, which a "
    "managed cluster sets itself",
    ("eksup", "AWS003, AWS004, AWS005"): "quotas of an account are not in manifests",
    ("eksup", "EKS002 to EKS007"): "the health of a running control plane, its node groups and "
    "add-ons is what the cloud tells",
}

LISTS = {
    "kube-linter": KUBE_LINTER,
    "kube-score": KUBE_SCORE,
    "Polaris": POLARIS,
    "checkov": CHECKOV,
    "eksup": EKSUP,
}


def names() -> dict[str, dict[str, tuple[str, ...]]]:
    """By tool and its name of a check, the rules that look at the same."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for tool, text in LISTS.items():
        rows = (line.split(": ") for line in text.strip().splitlines())
        found[tool] = {name: tuple(rules.split()) for name, rules in rows}
    return found


def rules_called(name: str) -> tuple[str, ...]:
    """The rules that look at what another tool calls by this name."""
    for checks in names().values():
        if name in checks:
            return checks[name]
    return ()
