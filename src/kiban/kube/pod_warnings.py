"""Settings of a pod that are allowed and do not do what they seem to.

Source: k8s.io/kubernetes/pkg/api/pod/warnings.go.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Any

from kiban.kube.formats import label_value_faults
from kiban.primitives.quantities import parse_quantity

Value = dict[str, Any]
_DEPRECATED_LABELS = {
    "beta.kubernetes.io/arch": ("v1.14", "kubernetes.io/arch"),
    "beta.kubernetes.io/os": ("v1.14", "kubernetes.io/os"),
    "failure-domain.beta.kubernetes.io/region": ("v1.17", "topology.kubernetes.io/region"),
    "failure-domain.beta.kubernetes.io/zone": ("v1.17", "topology.kubernetes.io/zone"),
    "beta.kubernetes.io/instance-type": ("v1.17", "node.kubernetes.io/instance-type"),
}
_DEPRECATED_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_SYSCTLS = 'non-functional in v1.11+; use the "sysctls" field instead'
_DEPRECATED_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": (
        'non-functional in v1.16+; use the "priorityClassName" field instead'
    ),
    "security.alpha.kubernetes.io/sysctls": _SYSCTLS,
    "security.alpha.kubernetes.io/unsafe-sysctls": _SYSCTLS,
}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_NO_SELECTOR = "a null labelSelector results in matching no pod"


def pod_warnings(spec: Value, annotations: Value, spec_field: str, annotated: str) -> list[str]:
    """What is said about a pod, or a template of pods, whose parts stand at those fields."""
    return [
        *_node_labels(spec, spec_field),
        *_spread(spec.get("topologySpreadConstraints") or (), spec_field),
        *(
            f"{annotated}[{key}]: {text}"
            for key, text in _DEPRECATED_ANNOTATIONS.items()
            if key in annotations
        ),
        *_volumes(spec.get("volumes") or (), f"{spec_field}.volumes"),
        *_repeated(spec.get("hostAliases") or (), "ip", f"{spec_field}.hostAliases"),
        *_pull_secrets(spec.get("imagePullSecrets") or (), f"{spec_field}.imagePullSecrets"),
        *_fractions(spec.get("overhead") or {}, f"{spec_field}.overhead"),
        *_containers(spec, spec_field),
        *_ports(list(_placed_ports(spec, spec_field))),
        *_grace(spec, spec_field),
        *_affinity(spec.get("affinity") or {}, f"{spec_field}.affinity"),
        *_addresses(spec, spec_field),
    ]


# Labels of nodes


def _deprecation(label: str) -> str:
    if label not in _DEPRECATED_LABELS:
        return ""
    since, instead = _DEPRECATED_LABELS[label]
    return f'deprecated since {since}; use "{instead}" instead'


def _node_labels(spec: Value, field: str) -> Iterator[str]:
    for label in sorted(spec.get("nodeSelector") or {}):
        if text := _deprecation(label):
            yield f"{field}.nodeSelector[{label}]: {text}"
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    at = f"{field}.affinity.nodeAffinity"
    terms = (affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ()
    for index, term in enumerate(terms):
        yield from _node_term(term, f"{at}.{_REQUIRED}.nodeSelectorTerms[{index}]", False)
    for index, entry in enumerate(affinity.get(_PREFERRED) or ()):
        term = entry.get("preference") or {}
        yield from _node_term(term, f"{at}.{_PREFERRED}[{index}].preference", True)


def _node_term(term: Value, field: str, with_values: bool) -> Iterator[str]:
    for index, expression in enumerate(term.get("matchExpressions") or ()):
        at, key = f"{field}.matchExpressions[{index}]", expression.get("key", "")
        if text := _deprecation(key):
            yield f"{at}.key: {key} is {text}"
        for place, value in enumerate(expression.get("values") or () if with_values else ()):
            for text in label_value_faults(value):
                yield f"{at}.values[{place}]: {value} is invalid, {text}"


def _spread(constraints: Sequence[Value], field: str) -> Iterator[str]:
    for index, entry in enumerate(constraints):
        at, key = f"{field}.topologySpreadConstraints[{index}]", entry.get("topologyKey", "")
        if text := _deprecation(key):
            yield f"{at}.topologyKey: {key} is {text}"
        if entry.get("labelSelector") is None:
            yield f"{at}.labelSelector: {_NO_SELECTOR}"


def _affinity(affinity: Value, field: str) -> Iterator[str]:
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        for index, term in enumerate(terms.get(_REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{field}.{kind}.{_REQUIRED}[{index}].labelSelector: {_NO_SELECTOR}"
        for index, entry in enumerate(terms.get(_PREFERRED) or ()):
            if (entry.get("podAffinityTerm") or {}).get("labelSelector") is None:
                at = f"{field}.{kind}.{_PREFERRED}[{index}].podAffinityTerm.labelSelector"
                yield f"{at}: {_NO_SELECTOR}"


# Lists in which something stands twice


def _volumes(volumes: Sequence[Value], field: str) -> Iterator[str]:
    for index, volume in enumerate(volumes):
        for kind, text in _DEPRECATED_VOLUMES.items():
            if kind in volume:
                yield f"{field}[{index}].{kind}: {text}"


def _repeated(entries: Sequence[Value], key: str, field: str) -> Iterator[str]:
    seen = set()
    for index, entry in enumerate(entries):
        value = entry.get(key, "")
        if value in seen:
            yield f'{field}[{index}].{key}: duplicate {key} "{value}"'
        seen.add(value)


def _pull_secrets(secrets: Sequence[Value], field: str) -> Iterator[str]:
    yield from _repeated(secrets, "name", field)
    for index, secret in enumerate(secrets):
        if not secret.get("name"):
            yield f'{field}[{index}].name: invalid empty name ""'


def _containers(spec: Value, field: str) -> Iterator[str]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(kind) or ()):
            at = f"{field}.{kind}[{index}]"
            resources = container.get("resources") or {}
            for part in ("limits", "requests"):
                yield from _fractions(resources.get(part) or {}, f"{at}.resources.{part}")
            yield from _hidden_variables(container.get("env") or (), f"{at}.env")


def _fractions(amounts: Value, field: str) -> Iterator[str]:
    for name in ("memory", "ephemeral-storage"):
        if name in amounts and parse_quantity(amounts[name]) % 1 != 0:
            text = f'fractional byte value "{amounts[name]}" is invalid, must be an integer'
            yield f"{field}[{name}]: {text}"


def _hidden_variables(variables: Sequence[Value], field: str) -> Iterator[str]:
    """A variable given again, except when its new value is made from the earlier one."""
    seen = set()
    for index, entry in enumerate(variables):
        name, value = entry.get("name"), entry.get("value", "")
        reference = f"$({name})"
        extends = "valueFrom" not in entry and reference in value and value != reference
        if name in seen and not extends:
            text = f'hides previous definition of "{name}", which may be dropped when using apply'
            yield f"{field}[{index}]: {text}"
        seen.add(name)


def _placed_ports(spec: Value, field: str) -> Iterator[tuple[str, Value, bool]]:
    """Every port with its field, and whether its container runs for as long as the pod."""
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(kind) or ()):
            lasting = kind == "containers" or container.get("restartPolicy") == "Always"
            for place, port in enumerate(container.get("ports") or ()):
                yield f"{field}.{kind}[{index}].ports[{place}]", port, lasting


def _ports(ports: Sequence[tuple[str, Value, bool]]) -> Iterator[str]:
    before: dict[tuple[Any, Any], list[tuple[str, Value]]] = {}
    for at, port, _ in ports:
        others = before.setdefault((port.get("containerPort"), port.get("protocol")), [])
        for other_at, other in others:
            if how := _clash(port, other):
                yield f"{at}: {how} port definition with {other_at}"
        others.append((at, port))
    names: dict[str, str] = {}
    for at, port, lasting in ports:
        name = port.get("name", "")
        if not name or not lasting:
            continue
        if name in names:
            yield (
                f'{at}: duplicate port name "{name}" with {names[name]}, services and probes that '
                f"select ports by name will use {names[name]}"
            )
        names.setdefault(name, at)


def _clash(port: Value, other: Value) -> str:
    address, elsewhere = port.get("hostIP", ""), other.get("hostIP", "")
    number, taken = port.get("hostPort", 0), other.get("hostPort", 0)
    if (address, number) == (elsewhere, taken):
        return "duplicate"
    if not number or not taken:
        return "overlapping"
    return "dangerously ambiguous" if number == taken and bool(address) != bool(elsewhere) else ""


# Numbers and addresses


def _grace(spec: Value, field: str) -> Iterator[str]:
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        text = "must be >= 0; negative values are invalid and will be treated as 1"
        yield f"{field}.terminationGracePeriodSeconds: {text}"


def _addresses(spec: Value, field: str) -> Iterator[str]:
    servers = (spec.get("dnsConfig") or {}).get("nameservers") or ()
    for index, text in enumerate(servers):
        yield from _address(text, f"{field}.dnsConfig.nameservers[{index}]")
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        yield from _address(alias.get("ip", ""), f"{field}.hostAliases[{index}].ip")


def _address(text: str, field: str) -> Iterator[str]:
    try:
        canonical = str(ip_address(text))
    except ValueError:
        return
    if ":" in text and canonical != text:
        wanted = f'should be in RFC 5952 canonical format ("{canonical}")'
        yield f'{field}: IPv6 address "{text}" {wanted}'
