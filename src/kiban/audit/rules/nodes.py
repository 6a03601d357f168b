"""What pods share with their node: its network, processes, files and ports."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kiban.audit.findings import Mend, Said, Severity, rule
from kiban.audit.view import View, Workload

_SOCKETS = ("docker.sock", "containerd.sock", "crio.sock", "cri-dockerd.sock")
_SENSITIVE = ("/", "/boot", "/dev", "/etc", "/lib", "/proc", "/root", "/sys", "/usr",
              "/var/lib/kubelet", "/var/lib/docker", "/var/lib/containerd", "/home")  # fmt: skip
# What everybody may know of a node: whom it trusts, what time it is.
_PUBLIC = ("/etc/ssl/certs", "/etc/pki/ca-trust", "/etc/pki/tls/certs", "/etc/ca-certificates",
           "/usr/share/ca-certificates", "/usr/share/zoneinfo", "/etc/localtime")  # fmt: skip
_PRIVILEGED_PORTS = 1024
_POD = "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n"


def _volume(path: str) -> str:
    return f"{_POD}      volumes: [{{name: node, hostPath: {{path: {path}}}}}]"


def _shares(field: str, what: str) -> Callable[[View], Iterable[Said]]:
    def look(view: View) -> Iterator[Said]:
        for workload in view.workloads:
            if workload.pod.get(field):
                yield workload.said(field, f"the pod shares {what}")

    return look


@rule(
    Severity.ERROR,
    why="it hears and speaks as its node, past every network policy",
    fix="use a Service",
    example=f"{_POD}      hostNetwork: true",
    mend=Mend(remove=True, risky=True),
)
def host_network(view: View) -> Iterable[Said]:
    return _shares("hostNetwork", "the network of its node")(view)


@rule(
    Severity.ERROR,
    why="it sees and can stop the processes of its node and its neighbours",
    fix="remove hostPID",
    example=f"{_POD}      hostPID: true",
    mend=Mend(remove=True, risky=True),
)
def host_pid(view: View) -> Iterable[Said]:
    return _shares("hostPID", "the processes of its node")(view)


@rule(
    Severity.ERROR,
    why="it can read the shared memory of its neighbours",
    fix="remove hostIPC",
    example=f"{_POD}      hostIPC: true",
    mend=Mend(remove=True, risky=True),
)
def host_ipc(view: View) -> Iterable[Said]:
    return _shares("hostIPC", "the shared memory of its node")(view)


@rule(
    Severity.WARNING,
    why="only one such pod fits on a node, and it is open to whoever reaches the node",
    fix="use a Service",
    example=f"{_POD}      containers: [{{name: app, ports: [{{containerPort: 8080, "
    "hostPort: 8080}]}]",
)
def host_port(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        for port in container.body.get("ports") or ():
            if port.get("hostPort"):
                where = f"{container.path}.ports[{port.get('containerPort')}].hostPort"
                what = f"{container.name} takes the port {port['hostPort']} of its node"
                yield Said(workload.key, where, what)


def _host_paths(view: View) -> Iterator[tuple[Workload, str, str, Any]]:
    """Every directory of a node that is mounted: its volume's name and the mounts."""
    for workload in view.workloads:
        for volume in workload.pod.get("volumes") or ():
            path = (volume.get("hostPath") or {}).get("path")
            if path:
                name = volume.get("name", "")
                mounts = [
                    (container, mount)
                    for container in workload.containers
                    for mount in container.body.get("volumeMounts") or ()
                    if mount.get("name") == name
                ]
                yield workload, name, str(path), mounts


def _is_sensitive(path: str) -> bool:
    bare = path.rstrip("/") or "/"
    if any(f"{bare}/".startswith(f"{one}/") for one in _PUBLIC):
        return False
    return bare in _SENSITIVE or any(bare.startswith(f"{one}/") for one in _SENSITIVE[1:10])


@rule(
    Severity.ERROR,
    why="the pod can see its node, and finds other files on the next one",
    fix="use an emptyDir or a claim",
    example=_volume("/opt/data"),
)
def host_path(view: View) -> Iterator[Said]:
    for workload, name, path, _ in _host_paths(view):
        # What is worse is said by the rules that say it better.
        if not _is_sensitive(path) and not path.endswith(_SOCKETS):
            yield workload.said(f"volumes[{name}].hostPath", f"{name} is {path} of the node")


@rule(
    Severity.ERROR,
    why="whoever reads them knows the node's secrets, whoever writes them owns it",
    fix="mount nothing of the node's system",
    example=_volume("/etc"),
)
def sensitive_host_mounts(view: View) -> Iterator[Said]:
    for workload, name, path, _ in _host_paths(view):
        if _is_sensitive(path):
            what = f"{name} is {path}, a part of the node's system"
            yield workload.said(f"volumes[{name}].hostPath.path", what)


@rule(
    Severity.ERROR,
    why="the pod can leave programs on its node",
    fix="mount it with readOnly: true",
    example=f"{_volume('/opt/data')}\n"
    "      containers: [{name: app, volumeMounts: [{name: node, mountPath: /data}]}]",
    mend=Mend(True, risky=True),
)
def writable_host_mount(view: View) -> Iterator[Said]:
    for workload, _, path, mounts in _host_paths(view):
        for container, mount in mounts:
            if not mount.get("readOnly"):
                where = f"{container.path}.volumeMounts[{mount.get('mountPath')}].readOnly"
                yield Said(workload.key, where, f"{container.name} may write to {path}")


@rule(
    Severity.ERROR,
    why="whoever reaches the container runtime can start anything as root on the node",
    fix="remove the mount; build images without a daemon",
    example=_volume("/var/run/docker.sock"),
)
def docker_sock(view: View) -> Iterator[Said]:
    for workload, name, path, _ in _host_paths(view):
        if path.endswith(_SOCKETS):
            what = f"{name} is the socket of the container runtime"
            yield workload.said(f"volumes[{name}].hostPath.path", what)


@rule(
    Severity.WARNING,
    why="a program needs root or a capability to listen there",
    fix="listen on a port from 1024 on; the Service may still offer 80",
    example=f"{_POD}      containers: [{{name: app, ports: [{{containerPort: 80, name: low}}]}}]",
    optional=True,
)
def privileged_ports(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        for port in container.body.get("ports") or ():
            number = port.get("containerPort", _PRIVILEGED_PORTS)
            if number < _PRIVILEGED_PORTS:
                where = f"{container.path}.ports[{number}].containerPort"
                yield Said(workload.key, where, f"{container.name} listens on {number}")


@rule(
    Severity.ERROR,
    why="people who log in to containers change what nobody sees and leave keys behind",
    fix="remove the SSH server; use kubectl debug",
    example=f"{_POD}      containers: [{{name: app, ports: [{{containerPort: 22, name: ssh}}]}}]",
)
def ssh_port(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        for port in container.body.get("ports") or ():
            if port.get("containerPort") == 22 and port.get("protocol", "TCP") == "TCP":
                where = f"{container.path}.ports[22].containerPort"
                yield Said(workload.key, where, f"{container.name} serves SSH")


RULES = (
    host_network,
    host_pid,
    host_ipc,
    host_port,
    host_path,
    sensitive_host_mounts,
    writable_host_mount,
    docker_sock,
    privileged_ports,
    ssh_port,
)
