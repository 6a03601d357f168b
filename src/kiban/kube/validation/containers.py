"""Rules for the containers of a pod: names, images, ports, and what is particular to each kind.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kiban.kube import formats
from kiban.kube.validation.environment import validate_environment
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    not_found,
    one_of,
    required,
    unsupported,
)
from kiban.kube.validation.handlers import validate_lifecycle, validate_probes
from kiban.kube.validation.mounts import validate_mounts
from kiban.kube.validation.resources import validate_resources
from kiban.kube.validation.security_contexts import validate_security

Value = dict[str, Any]

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_RESTARTS = ("Always", "Never", "OnFailure")
_OF_INIT = "may not be set for init containers without restartPolicy=Always"
_OF_EPHEMERAL = "cannot be set for an Ephemeral Container"
# What a debugging container must not have.
_NOT_EPHEMERAL = (
    "ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules", "livenessProbe",
    "readinessProbe", "startupProbe", "lifecycle",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rules of a container need to know of its pod."""

    spec: Value
    volumes: Mapping[str, Value]

    @property
    def grace(self) -> int | None:
        grace: int | None = self.spec.get("terminationGracePeriodSeconds")
        return grace

    @property
    def system(self) -> str:
        return str((self.spec.get("os") or {}).get("name", ""))

    @property
    def claims(self) -> list[str]:
        claims = self.spec.get("resourceClaims") or ()
        return [claim["name"] for claim in claims if claim.get("name")]


def validate_containers(spec: Value, field: str, volumes: Mapping[str, Value]) -> Faults:
    """All containers of a pod spec, and that their names differ."""
    pod = Surroundings(spec, volumes)
    faults = _regular(spec.get("containers") or [], f"{field}.containers", pod)
    faults += _init(spec.get("initContainers") or [], f"{field}.initContainers", pod)
    if spec.get("ephemeralContainers"):
        faults += _ephemeral(spec["ephemeralContainers"], f"{field}.ephemeralContainers", pod)
    return faults


def _regular(containers: Sequence[Value], field: str, pod: Surroundings) -> Faults:
    if not containers:
        return [required(field)]
    faults: Faults = []
    names: set[str] = set()
    for index, container in enumerate(containers):
        at = f"{field}[{index}]"
        faults += _common(container, at, pod)
        name = container.get("name", "")
        if name in names:
            faults.append(duplicate(f"{at}.name", name))
        names.add(name)
        faults += _running(container, at, pod)
        faults += _restarts(container, at)
    return faults + _host_ports(containers, field)


def _init(containers: Sequence[Value], field: str, pod: Surroundings) -> Faults:
    faults: Faults = []
    names = {container.get("name", "") for container in pod.spec.get("containers") or ()}
    for index, container in enumerate(containers):
        at = f"{field}[{index}]"
        faults += _common(container, at, pod)
        faults += _restarts(container, at)
        name = container.get("name", "")
        if name in names:
            faults.append(duplicate(f"{at}.name", name))
        elif name:
            names.add(name)
        faults += _host_ports([container], field)
        if container.get("restartPolicy") == "Always":
            faults += _running(container, at, pod)
            continue
        for part in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
            if container.get(part) is not None:
                faults.append(forbidden(f"{at}.{part}", _OF_INIT))
        for number, policy in enumerate(container.get("resizePolicy") or ()):
            if policy.get("restartPolicy") == "RestartContainer":
                detail = "must not be set to 'RestartContainer' for non-sidecar initContainers"
                where = f"{at}.resizePolicy[{number}].restartPolicy"
                faults.append(invalid(where, "RestartContainer", detail))
    return faults


def _ephemeral(containers: Sequence[Value], field: str, pod: Surroundings) -> Faults:
    faults: Faults = []
    others = {
        container.get("name", "")
        for kind in ("containers", "initContainers")
        for container in pod.spec.get(kind) or ()
    }
    names = set(others)
    for index, container in enumerate(containers):
        at = f"{field}[{index}]"
        faults += _common(container, at, pod) + trimmed_image(container, at)
        name, target = container.get("name", ""), container.get("targetContainerName", "")
        if name in names:
            faults.append(duplicate(f"{at}.name", name))
        names.add(name)
        if target and target not in others:
            faults.append(not_found(f"{at}.targetContainerName", target))
        for part in _NOT_EPHEMERAL:
            if container.get(part):
                faults.append(forbidden(f"{at}.{part}", _OF_EPHEMERAL))
        for number, mount in enumerate(container.get("volumeMounts") or ()):
            for part in ("subPath", "subPathExpr"):
                if mount.get(part):
                    where = f"{at}.volumeMounts[{number}].{part}"
                    faults.append(forbidden(where, _OF_EPHEMERAL))
    return faults


def _running(container: Value, field: str, pod: Surroundings) -> Faults:
    """Hooks and probes, of containers that keep running."""
    faults: Faults = []
    if container.get("lifecycle") is not None:
        at = f"{field}.lifecycle"
        faults += validate_lifecycle(container["lifecycle"], at, pod.grace, pod.system)
    return faults + validate_probes(container, field, pod.grace)


def trimmed_image(container: Value, field: str) -> Faults:
    """Of pods only: templates may keep the spaces they were once allowed."""
    image = container.get("image", "")
    if image == image.strip():
        return []
    return [invalid(f"{field}.image", image, "must not have leading or trailing whitespace")]


def _common(container: Value, field: str, pod: Surroundings) -> Faults:
    faults: Faults = []
    name = container.get("name", "")
    if not name:
        faults.append(required(f"{field}.name"))
    else:
        faults += all_invalid(f"{field}.name", name, formats.dns_label_faults(name))
    if not container.get("image"):
        faults.append(required(f"{field}.image"))
    policy = container["terminationMessagePolicy"]
    faults += one_of(f"{field}.terminationMessagePolicy", policy, _MESSAGE_POLICIES)
    faults += _ports(container.get("ports") or (), f"{field}.ports")
    faults += validate_environment(container, field)
    faults += validate_mounts(container, field, pod.volumes)
    faults += one_of(f"{field}.imagePullPolicy", container["imagePullPolicy"], _PULL_POLICIES)
    resources = container.get("resources") or {}
    faults += validate_resources(resources, f"{field}.resources", pod.claims)
    faults += _resizing(container.get("resizePolicy") or (), f"{field}.resizePolicy", pod)
    context = container.get("securityContext")
    if context:
        host_users = pod.spec.get("hostUsers", True)
        faults += validate_security(context, f"{field}.securityContext", host_users=host_users)
    return faults


def _ports(ports: Sequence[Value], field: str) -> Faults:
    faults: Faults = []
    names: set[str] = set()
    for index, port in enumerate(ports):
        at = f"{field}[{index}]"
        name = port.get("name", "")
        if name:
            details = formats.port_name_faults(name)
            faults += all_invalid(f"{at}.name", name, details)
            if not details and name in names:
                faults.append(duplicate(f"{at}.name", name))
            names.add(name)
        number, host = port.get("containerPort", 0), port.get("hostPort", 0)
        if number == 0:
            faults.append(required(f"{at}.containerPort"))
        else:
            details = formats.port_number_faults(number)
            faults += all_invalid(f"{at}.containerPort", number, details)
        if host:
            faults += all_invalid(f"{at}.hostPort", host, formats.port_number_faults(host))
        faults += one_of(f"{at}.protocol", port.get("protocol", ""), _PROTOCOLS)
    return faults


def _host_ports(containers: Sequence[Value], field: str) -> Faults:
    """Each port of the node is taken once."""
    faults: Faults = []
    taken: set[str] = set()
    for index, container in enumerate(containers):
        for number, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
            if key in taken:
                faults.append(duplicate(f"{field}[{index}].ports[{number}].hostPort", key))
            taken.add(key)
    return faults


def _resizing(policies: Sequence[Value], field: str, pod: Surroundings) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for index, policy in enumerate(policies):
        name, restart = policy.get("resourceName", ""), policy.get("restartPolicy", "")
        if name in seen:
            faults.append(duplicate(f"{field}[{index}]", name))
        seen.add(name)
        for value, known in (
            (name, ("cpu", "memory")),
            (restart, ("NotRequired", "RestartContainer")),
        ):
            if not value:
                faults.append(required(field))
            elif value not in known:
                faults.append(unsupported(field, value, known))
        if pod.spec.get("restartPolicy") == "Never" and restart != "NotRequired":
            detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'"
            faults.append(invalid(field, restart, detail))
    return faults


def _restarts(container: Value, field: str) -> Faults:
    """A restart policy of a container's own, and rules by its exit code."""
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or ()
    if policy is None and not rules:
        return []
    faults: Faults = []
    if policy is None:
        detail = "must specify restartPolicy when restart rules are used"
        faults.append(required(f"{field}.restartPolicy", detail))
    elif policy not in _RESTARTS:
        faults.append(unsupported(f"{field}.restartPolicy", policy, _RESTARTS))
    for index, rule in enumerate(rules):
        at = f"{field}.restartPolicyRules[{index}]"
        faults += one_of(f"{at}.action", rule.get("action", ""), _ACTIONS)
        codes = rule.get("exitCodes")
        if codes is None:
            faults.append(required(f"{at}.exitCodes", "must be specified"))
        else:
            operators = ("In", "NotIn")
            operator = codes.get("operator", "")
            faults += one_of(f"{at}.exitCodes.operator", operator, operators)
    return faults


_ACTIONS = ("Restart", "RestartAllContainers")
