"""The controls of the level `baseline`: known ways out of a container.

Source: k8s.io/pod-security-admission/policy/check_*.go.
"""

from typing import Any

from kiban.kube.pod_security.parts import (
    Pod,
    Value,
    Violation,
    containers,
    plural,
    quoted,
    setters,
)

_CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
_SE_LINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_SYSCTLS = frozenset(
    [
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    ]
)
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"


def app_armor(pod: Pod) -> Violation | None:
    def is_bad(context: Value) -> bool:
        return (context.get("appArmorProfile") or {}).get("type") == "Unconfined"

    names, pod_too = pod.named(is_bad), is_bad(pod.context)
    said = []
    if names or pod_too:
        said.append(f'{setters(pod_too, names)} must not set AppArmor profile type to "Unconfined"')
    annotations = pod.metadata.get("annotations") or {}
    wrong = [
        f'"{key}={annotations[key]}"'
        for key in sorted(annotations)
        if key.startswith(_APP_ARMOR) and not _is_profile(annotations[key])
    ]
    if wrong:
        said.append(f"{plural('annotation', len(wrong))} {', '.join(wrong)}")
    count = len(names) + pod_too + len(wrong)
    reason = plural("forbidden AppArmor profile", count)
    return Violation(reason, "; ".join(said)) if said else None


def _is_profile(text: str) -> bool:
    return text in ("", "runtime/default") or text.startswith("localhost/")


def capabilities(pod: Pod) -> Violation | None:
    def added(context: Value) -> list[str]:
        names = (context.get("capabilities") or {}).get("add") or []
        return [name for name in names if name not in _CAPABILITIES]

    bad = pod.named(lambda context: bool(added(context)))
    if not bad:
        return None
    names = {
        name
        for container in pod.containers
        for name in added(container.get("securityContext") or {})
    }
    which = f"{containers(bad)} must not include {quoted(sorted(names))}"
    return Violation("non-default capabilities", f"{which} in securityContext.capabilities.add")


def host_namespaces(pod: Pod) -> Violation | None:
    used = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(name)]
    return Violation("host namespaces", ", ".join(used)) if used else None


def host_paths(pod: Pod) -> Violation | None:
    names = [v["name"] for v in pod.spec.get("volumes") or () if v.get("hostPath") is not None]
    if not names:
        return None
    return Violation("hostPath volumes", f"{plural('volume', len(names))} {quoted(names)}")


def host_ports(pod: Pod) -> Violation | None:
    bad: list[str] = []
    ports: dict[int, None] = {}
    for container in pod.containers:
        used = [p["hostPort"] for p in container.get("ports") or () if p.get("hostPort")]
        if used:
            bad.append(container["name"])
            ports.update(dict.fromkeys(used))
    if not bad:
        return None
    use = "uses" if len(bad) == 1 else "use"
    listed = ", ".join(sorted(map(str, ports)))
    return Violation(
        "hostPort", f"{containers(bad)} {use} {plural('hostPort', len(ports))} {listed}"
    )


def probe_hosts(pod: Pod) -> Violation | None:
    bad: list[str] = []
    hosts: dict[str, None] = {}
    for container in pod.containers:
        used = _hosts_of(container)
        if used:
            bad.append(container["name"])
            hosts.update(dict.fromkeys(used))
    if not bad:
        return None
    use = "uses" if len(bad) == 1 else "use"
    said = f"{containers(bad)} {use} probe or lifecycle {plural('host', len(hosts))}"
    return Violation("probe or lifecycle host", f"{said} {quoted(sorted(hosts))}")


def _hosts_of(container: Value) -> list[str]:
    lifecycle = container.get("lifecycle") or {}
    acts: list[Any] = [
        container.get("livenessProbe"),
        container.get("readinessProbe"),
        container.get("startupProbe"),
        lifecycle.get("postStart"),
        lifecycle.get("preStop"),
    ]
    found = [
        (act.get(kind) or {}).get("host")
        for act in acts
        if act
        for kind in ("httpGet", "tcpSocket")
    ]
    return [host for host in found if host]


def privileged(pod: Pod) -> Violation | None:
    names = pod.named(lambda context: bool(context.get("privileged")))
    if not names:
        return None
    detail = f"{containers(names)} must not set securityContext.privileged=true"
    return Violation("privileged", detail)


def proc_mount(pod: Pod) -> Violation | None:
    if pod.spec.get("hostUsers") is False:
        return None
    names = pod.named(lambda context: context.get("procMount", "Default") != "Default")
    if not names:
        return None
    detail = f'{containers(names)} must not set securityContext.procMount to "Unmasked"'
    return Violation("procMount", detail)


def se_linux(pod: Pod) -> Violation | None:
    def options(context: Value) -> Value:
        return context.get("seLinuxOptions") or {}

    def is_bad(context: Value) -> bool:
        given = options(context)
        wrong_type = given.get("type", "") not in _SE_LINUX_TYPES
        return wrong_type or bool(given.get("user") or given.get("role"))

    names, pod_too = pod.named(is_bad), is_bad(pod.context)
    if not names and not pod_too:
        return None
    contexts = [c.get("securityContext") or {} for c in pod.containers]
    given = [options(context) for context in (pod.context, *contexts)]
    types = sorted({g["type"] for g in given if g.get("type", "") not in _SE_LINUX_TYPES})
    said = [f"{plural('type', len(types))} {quoted(types)}"] if types else []
    said += [
        f"{part} may not be set" for part in ("user", "role") if any(g.get(part) for g in given)
    ]
    who = setters(pod_too, names)
    text = f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(said)}"
    return Violation("seLinuxOptions", text)


def seccomp(pod: Pod) -> Violation | None:
    def is_bad(context: Value) -> bool:
        return (context.get("seccompProfile") or {}).get("type") == "Unconfined"

    names, pod_too = pod.named(is_bad), is_bad(pod.context)
    if not names and not pod_too:
        return None
    who = setters(pod_too, names)
    text = f'{who} must not set securityContext.seccompProfile.type to "Unconfined"'
    return Violation("seccompProfile", text)


def sysctls(pod: Pod) -> Violation | None:
    names = [entry["name"] for entry in pod.context.get("sysctls") or ()]
    bad = [name for name in names if name not in _SYSCTLS]
    return Violation("forbidden sysctls", ", ".join(bad)) if bad else None


def host_process(pod: Pod) -> Violation | None:
    def is_bad(context: Value) -> bool:
        return bool((context.get("windowsOptions") or {}).get("hostProcess"))

    names, pod_too = pod.named(is_bad), is_bad(pod.context)
    if not names and not pod_too:
        return None
    who = setters(pod_too, names)
    text = f"{who} must not set securityContext.windowsOptions.hostProcess=true"
    return Violation("hostProcess", text)
