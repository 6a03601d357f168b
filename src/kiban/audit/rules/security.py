"""Pod security: the restricted standard of Kubernetes, over effective values."""

from collections.abc import Callable, Iterable, Iterator

from kiban.audit.findings import Rule, Said, Severity
from kiban.audit.view import Container, View
from kiban.kube.objects import get_in

# Capabilities that the restricted standard lets a container add back.
_MAY_ADD = frozenset(("NET_BIND_SERVICE",))


def _each(
    path: str, is_wrong: Callable[[Container], bool], what: str
) -> Callable[[View], Iterable[Said]]:
    """A rule about every container."""

    def look(view: View) -> Iterator[Said]:
        for workload in view.workloads:
            for container in workload.containers:
                if is_wrong(container):
                    where = f"{container.path}.securityContext.{path}"
                    yield Said(workload.key, where, what.format(name=container.name))

    return look


def _may_be_root(container: Container) -> bool:
    if container.security("runAsUser") == 0:
        return True
    return container.security("runAsNonRoot") is not True and not container.security("runAsUser")


def _is_privileged(container: Container) -> bool:
    return get_in(container.body, "securityContext", "privileged") is True


def _may_escalate(container: Container) -> bool:
    return get_in(container.body, "securityContext", "allowPrivilegeEscalation") is not False


def _keeps_capabilities(container: Container) -> bool:
    dropped = get_in(container.body, "securityContext", "capabilities", "drop", default=[])
    return "ALL" not in {str(name).upper() for name in dropped}


def _adds_capabilities(container: Container) -> bool:
    added = get_in(container.body, "securityContext", "capabilities", "add", default=[])
    return bool({str(name).upper().removeprefix("CAP_") for name in added} - _MAY_ADD)


def _writes_root(container: Container) -> bool:
    return get_in(container.body, "securityContext", "readOnlyRootFilesystem") is not True


def _has_no_seccomp(container: Container) -> bool:
    profile = container.security("seccompProfile") or {}
    return profile.get("type") not in ("RuntimeDefault", "Localhost")


def _host(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        for name in ("hostNetwork", "hostPID", "hostIPC"):
            if workload.pod.get(name):
                yield Said(workload.key, name, f"the pod shares its node's {name[4:].lower()}")
        for volume in workload.pod.get("volumes") or ():
            if "hostPath" in volume:
                name = volume.get("name", "")
                yield Said(workload.key, f"volumes[{name}]", f"{name} is a directory of the node")


def _token(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        mounts = workload.pod.get("automountServiceAccountToken")
        if mounts is None:
            name = workload.pod.get("serviceAccountName", "default")
            key = workload.key._replace(group="", kind="ServiceAccount", name=name)
            mounts = view.by_key.get(key, {}).get("automountServiceAccountToken")
        if mounts is None:
            what = "the pod gets a token for the Kubernetes API that nobody asked for"
            yield Said(workload.key, "automountServiceAccountToken", what)


RULES = (
    Rule(
        "run-as-non-root",
        Severity.ERROR,
        "root in a container is root on the node once it gets out",
        "set runAsNonRoot, and a numeric USER in the image",
        _each("runAsNonRoot", _may_be_root, "the container {name} may run as root"),
    ),
    Rule(
        "privileged",
        Severity.ERROR,
        "a privileged container owns its node",
        "remove `privileged`",
        _each("privileged", _is_privileged, "the container {name} is privileged"),
    ),
    Rule(
        "privilege-escalation",
        Severity.WARNING,
        "a setuid program in the image can become root",
        "set allowPrivilegeEscalation: false",
        _each("allowPrivilegeEscalation", _may_escalate, "{name} may gain privileges"),
    ),
    Rule(
        "drop-all-capabilities",
        Severity.WARNING,
        "the default capabilities are more than any service needs",
        "drop ALL",
        _each("capabilities.drop", _keeps_capabilities, "{name} keeps capabilities"),
    ),
    Rule(
        "added-capabilities",
        Severity.ERROR,
        "capabilities such as SYS_ADMIN are ways out of the container",
        "remove `capabilities.add`",
        _each("capabilities.add", _adds_capabilities, "{name} adds dangerous capabilities"),
    ),
    Rule(
        "read-only-root",
        Severity.WARNING,
        "whoever breaks in can leave a program behind",
        "set readOnlyRootFilesystem and mount an emptyDir where the program writes",
        _each("readOnlyRootFilesystem", _writes_root, "{name} can write to its root filesystem"),
    ),
    Rule(
        "seccomp",
        Severity.WARNING,
        "every system call of the kernel is open",
        "set seccompProfile to RuntimeDefault",
        _each("seccompProfile", _has_no_seccomp, "{name} runs without a seccomp profile"),
    ),
    Rule(
        "host-access",
        Severity.ERROR,
        "the pod can see or change its node and its neighbours",
        "use a Service, an emptyDir or a claim",
        _host,
    ),
    Rule(
        "api-token",
        Severity.ADVICE,
        "whoever breaks in can ask the API server",
        "set automountServiceAccountToken: false, or true if it is needed",
        _token,
    ),
)
