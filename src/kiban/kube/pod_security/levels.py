"""What a level forbids: its controls in the order in which they are told.

Source: k8s.io/pod-security-admission/policy/{registry,check_*}.go, the newest version of each.
"""

from collections.abc import Callable
from typing import Any

from kiban.kube.pod_security import baseline, restricted
from kiban.kube.pod_security.parts import Pod, Violation

LEVELS = ("privileged", "baseline", "restricted")

Control = Callable[[Pod], Violation | None]

_BASELINE: tuple[tuple[str, Control], ...] = (
    ("appArmorProfile", baseline.app_armor),
    ("capabilities", baseline.capabilities),
    ("hostNamespaces", baseline.host_namespaces),
    ("hostPathVolumes", baseline.host_paths),
    ("hostPorts", baseline.host_ports),
    ("hostProbes", baseline.probe_hosts),
    ("privileged", baseline.privileged),
    ("procMount", baseline.proc_mount),
    ("seLinuxOptions", baseline.se_linux),
    ("seccompProfile", baseline.seccomp),
    ("sysctls", baseline.sysctls),
    ("windowsHostProcess", baseline.host_process),
)
_RESTRICTED: tuple[tuple[str, Control], ...] = (
    ("allowPrivilegeEscalation", restricted.privilege_escalation),
    ("capabilities", restricted.capabilities),
    ("restrictedVolumes", restricted.volumes),
    ("runAsNonRoot", restricted.non_root),
    ("runAsUser", restricted.user),
    ("seccompProfile", restricted.seccomp),
)
# What the stricter level asks in another way than the milder.
_REPLACED = ("capabilities", "hostPathVolumes", "seccompProfile")


def violations(level: str, metadata: dict[str, Any], spec: dict[str, Any]) -> list[Violation]:
    """Everything a level forbids about a pod, or about the template of one."""
    if level == "privileged":
        return []
    controls = list(_BASELINE)
    if level == "restricted":
        controls = [entry for entry in _BASELINE if entry[0] not in _REPLACED]
        controls += _RESTRICTED
    pod = Pod(metadata, spec)
    found = (check(pod) for _, check in controls)
    return [violation for violation in found if violation is not None]
