"""Container security: the restricted standard of Kubernetes, over effective values.

Source of the lists: kubernetes.io, Pod Security Standards.
"""

from collections.abc import Callable, Iterable, Iterator

from kiban.audit.findings import Mend, Said, Severity, rule
from kiban.audit.view import Container, View, Workload
from kiban.kube.objects import get_in

# Capabilities that the restricted standard lets a container add back.
_MAY_ADD = frozenset(("NET_BIND_SERVICE",))
_SAFE_SYSCTLS = frozenset((
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
))  # fmt: skip
_SE_LINUX_TYPES = frozenset(("", "container_t", "container_init_t", "container_kvm_t",
                             "container_engine_t"))  # fmt: skip
_HIGH_UID = 10_000
_POD = "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n"


def _app(context: str) -> str:
    return f"{_POD}      containers: [{{name: app, securityContext: {{{context}}}}}]"


def _each(
    path: str, is_wrong: Callable[[Container], bool], what: str
) -> Callable[[View], Iterable[Said]]:
    """A look at every container. Containers of Windows have no Linux security."""

    def look(view: View) -> Iterator[Said]:
        for workload, container in view.each():
            if not _is_windows(workload) and is_wrong(container):
                where = f"{container.path}.securityContext.{path}"
                yield Said(workload.key, where, what.format(name=container.name))

    return look


def _is_windows(workload: Workload) -> bool:
    selector = workload.pod.get("nodeSelector") or {}
    named = get_in(workload.pod, "os", "name") or selector.get("kubernetes.io/os")
    return bool(named == "windows")


def _maps_users(workload: Workload) -> bool:
    """Whether root of its containers is nobody on the node (user namespaces)."""
    return workload.pod.get("hostUsers") is False


@rule(
    Severity.ERROR,
    why="root in a container is root on the node once it gets out",
    fix="set runAsNonRoot, and a numeric USER in the image",
    example=f"{_POD}      securityContext: {{runAsNonRoot: false}}",
    mend=Mend(True, risky=True),
)
def run_as_non_root(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        user = container.security("runAsUser")
        # A numeric user is enough by itself; what nobody says is up to the image.
        if container.security("runAsNonRoot") is True or user:
            continue
        if _is_windows(workload) or _maps_users(workload) or user == 0:
            continue
        where = f"{container.path}.securityContext.runAsNonRoot"
        known = view.around.image_users.get(container.image)
        if known is not None and known.partition(":")[0] not in ("", "0", "root"):
            continue
        yield Said(workload.key, where, f"the container {container.name} may run as root")


@rule(
    Severity.ERROR,
    why="root in a container is root on the node once it gets out",
    fix="name another user",
    example=f"{_POD}      securityContext: {{runAsUser: 0}}",
    mend=Mend(remove=True, risky=True),
)
def uid_zero(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        own = get_in(container.body, "securityContext", "runAsUser")
        if _maps_users(workload):
            continue
        if own == 0:
            where = f"{container.path}.securityContext.runAsUser"
            yield Said(workload.key, where, f"the container {container.name} runs as root")
        elif own is None and container.security("runAsUser") == 0:
            yield workload.said("securityContext.runAsUser", f"{container.name} runs as root")


@rule(
    Severity.ERROR,
    why="the kubelet cannot tell that a user with a name is not root, and refuses to start the pod",
    fix="write USER as a number in the image, or set runAsUser (`user: 1000` of a service)",
    example=f"{_POD}      containers: [{{name: app, image: 'registry.example/api:named'}}]\n"
    "# the image says USER app",
)
def image_user_is_a_name(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        user = view.around.image_users.get(container.image, "").partition(":")[0]
        demanded = container.security("runAsNonRoot") is True
        if demanded and user and not user.isdigit() and container.security("runAsUser") is None:
            where = f"{container.path}.securityContext.runAsUser"
            yield Said(workload.key, where, f"the image of {container.name} says USER {user}")


@rule(
    Severity.ADVICE,
    why="a low number may be a user of the node",
    fix="set runAsUser: 10001 (`user: 10001` of a service)",
    example=_app("runAsUser: 1000"),
    optional=True,
)
def low_uid(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        user = container.security("runAsUser")
        if isinstance(user, int) and 0 < user < _HIGH_UID:
            where = f"{container.path}.securityContext.runAsUser"
            yield Said(workload.key, where, f"{container.name} runs as the user {user}")


@rule(
    Severity.ERROR,
    why="a privileged container owns its node",
    fix="remove `privileged`",
    example=_app("privileged: true"),
    mend=Mend(remove=True, risky=True),
)
def privileged(view: View) -> Iterable[Said]:
    return _each(
        "privileged",
        lambda one: get_in(one.body, "securityContext", "privileged") is True,
        "the container {name} is privileged",
    )(view)


@rule(
    Severity.WARNING,
    why="a setuid program in the image can become root",
    fix="set allowPrivilegeEscalation: false",
    example=_app("allowPrivilegeEscalation: null"),
    mend=Mend(False),
)
def allow_privilege_escalation(view: View) -> Iterable[Said]:
    def may_gain(container: Container) -> bool:
        context = container.body.get("securityContext") or {}
        # A privileged container has them all, and the API server lets it say nothing else.
        has_all = context.get("privileged") or "SYS_ADMIN" in _added(container)
        return not has_all and context.get("allowPrivilegeEscalation") is not False

    return _each("allowPrivilegeEscalation", may_gain, "{name} may gain privileges")(view)


def _keeps_capabilities(container: Container) -> bool:
    dropped = get_in(container.body, "securityContext", "capabilities", "drop", default=[])
    return "ALL" not in {str(name).upper() for name in dropped}


@rule(
    Severity.WARNING,
    why="the default capabilities are more than any service needs",
    fix="drop ALL",
    example=_app("capabilities: {drop: null}"),
    mend=Mend(["ALL"], risky=True),
)
def drop_all_capabilities(view: View) -> Iterable[Said]:
    return _each("capabilities.drop", _keeps_capabilities, "{name} keeps capabilities")(view)


def _added(container: Container) -> set[str]:
    added = get_in(container.body, "securityContext", "capabilities", "add", default=[])
    return {str(name).upper().removeprefix("CAP_") for name in added}


@rule(
    Severity.ERROR,
    why="capabilities such as SYS_ADMIN are ways out of the container",
    fix="remove `capabilities.add`",
    example=_app("capabilities: {add: [SYS_ADMIN]}"),
    mend=Mend(remove=True, risky=True),
)
def added_capabilities(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        if not _is_windows(workload) and _added(container) - _MAY_ADD:
            where = f"{container.path}.securityContext.capabilities.add"
            what = f"{container.name} adds dangerous capabilities"
            harmless = sorted(_added(container) & _MAY_ADD)
            yield Said(workload.key, where, what, value=harmless or None)


@rule(
    Severity.WARNING,
    why="whoever breaks in can leave a program behind",
    fix="set readOnlyRootFilesystem, and mount an emptyDir where the program writes",
    example=_app("readOnlyRootFilesystem: false"),
    mend=Mend(True, risky=True),
)
def read_only_root_fs(view: View) -> Iterable[Said]:
    return _each(
        "readOnlyRootFilesystem",
        lambda one: get_in(one.body, "securityContext", "readOnlyRootFilesystem") is not True,
        "{name} can write to its root filesystem",
    )(view)


@rule(
    Severity.WARNING,
    why="every system call of the kernel is open",
    fix="set seccompProfile to RuntimeDefault",
    example=f"{_POD}      securityContext: {{seccompProfile: {{type: Unconfined}}}}",
    mend=Mend({"type": "RuntimeDefault"}),
)
def seccomp_runtime_default(view: View) -> Iterable[Said]:
    def is_open(container: Container) -> bool:
        profile = container.security("seccompProfile") or {}
        return profile.get("type") not in ("RuntimeDefault", "Localhost")

    return _each("seccompProfile", is_open, "{name} runs without a seccomp profile")(view)


@rule(
    Severity.ERROR,
    why="the profile of the node's kernel that confines containers is switched off",
    fix="leave the profile out, or use RuntimeDefault",
    example=_app("appArmorProfile: {type: Unconfined}"),
    mend=Mend(remove=True, risky=True),
)
def apparmor_unconfined(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        profile = container.security("appArmorProfile") or {}
        name = f"container.apparmor.security.beta.kubernetes.io/{container.name}"
        if profile.get("type") == "Unconfined" or workload.annotations.get(name) == "unconfined":
            where = f"{container.path}.securityContext.appArmorProfile"
            yield Said(workload.key, where, f"{container.name} runs without AppArmor")


@rule(
    Severity.ERROR,
    why="other types than those for containers may reach the node",
    fix="remove seLinuxOptions",
    example=_app("seLinuxOptions: {type: spc_t}"),
    mend=Mend(remove=True, risky=True),
)
def selinux_type(view: View) -> Iterable[Said]:
    def is_odd(container: Container) -> bool:
        options = container.security("seLinuxOptions") or {}
        odd = options.get("type", "") not in _SE_LINUX_TYPES
        return odd or bool(options.get("user") or options.get("role"))

    return _each("seLinuxOptions", is_odd, "{name} has SELinux options of its own")(view)


@rule(
    Severity.ERROR,
    why="the parts of /proc that tell about and change the node are shown",
    fix="remove procMount",
    example=_app("procMount: Unmasked"),
    mend=Mend(remove=True, risky=True),
)
def proc_mount(view: View) -> Iterable[Said]:
    def is_unmasked(container: Container) -> bool:
        mount = get_in(container.body, "securityContext", "procMount")
        return mount not in (None, "Default")

    return _each("procMount", is_unmasked, "{name} sees the whole of /proc")(view)


@rule(
    Severity.ERROR,
    why="it changes the kernel for every pod of the node, and the kubelet refuses most",
    fix="remove the sysctl",
    example=f"{_POD}      securityContext: {{sysctls: [{{name: kernel.msgmax, value: '1'}}]}}",
)
def unsafe_sysctls(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        for one in get_in(workload.pod, "securityContext", "sysctls", default=[]):
            if one.get("name") not in _SAFE_SYSCTLS:
                where = f"securityContext.sysctls[{one.get('name')}]"
                yield workload.said(where, f"{one.get('name')} is no safe sysctl")


@rule(
    Severity.ERROR,
    why="the container is a process of the node",
    fix="remove windowsOptions.hostProcess",
    example=_app("windowsOptions: {hostProcess: true}"),
    mend=Mend(remove=True, risky=True),
)
def windows_host_process(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        if (container.security("windowsOptions") or {}).get("hostProcess"):
            where = f"{container.path}.securityContext.windowsOptions.hostProcess"
            yield Said(workload.key, where, f"{container.name} runs as a process of its node")


@rule(
    Severity.WARNING,
    why="pods that break out of their containers are kept out of the namespace only by this label",
    fix="label the namespace pod-security.kubernetes.io/enforce: restricted",
    example="kind: Namespace\n"
    "metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: null}}",
    mend=Mend("restricted", risky=True),
)
def pss_namespace_label(view: View) -> Iterator[Said]:
    name = "pod-security.kubernetes.io/enforce"
    for key, namespace in view.kind("Namespace"):
        level = (namespace["metadata"].get("labels") or {}).get(name)
        # Every cluster has a namespace `default`; it matters when somebody is in it.
        unused = key.name == "default" and not view.by_namespace.get(key.name)
        if key.name.startswith("kube-") or unused or level in ("restricted", "baseline"):
            continue
        yield Said(key, f'metadata.labels["{name}"]', f"{key.name} lets any pod in")


RULES = (
    run_as_non_root,
    uid_zero,
    image_user_is_a_name,
    low_uid,
    privileged,
    allow_privilege_escalation,
    drop_all_capabilities,
    added_capabilities,
    read_only_root_fs,
    seccomp_runtime_default,
    apparmor_unconfined,
    selinux_type,
    proc_mount,
    unsafe_sysctls,
    windows_host_process,
    pss_namespace_label,
)
