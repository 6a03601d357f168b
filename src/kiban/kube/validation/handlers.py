"""Rules for probes and lifecycle hooks.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

import re
from typing import Any

from kiban.kube import formats
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    at_least,
    forbidden,
    invalid,
    one_of,
    required,
    unsupported,
)

Value = dict[str, Any]

_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_NUMBERS = (
    "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold",
    "failureThreshold",
)  # fmt: skip
_HEADER_FAULT = (
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', "
    "regex used for validation is '[-A-Za-z0-9]+')"
)
_WINDOWS_SIGNALS = ("SIGKILL", "SIGTERM")
_LINUX_SIGNALS = tuple(sorted(
    (
        *_WINDOWS_SIGNALS, "SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT",
        "SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGIO", "SIGIOT", "SIGPIPE", "SIGPOLL",
        "SIGPROF", "SIGPWR", "SIGQUIT", "SIGSEGV", "SIGSTKFLT", "SIGSTOP", "SIGSYS", "SIGTRAP",
        "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGUSR1", "SIGUSR2", "SIGVTALRM", "SIGWINCH",
        "SIGXCPU", "SIGXFSZ", "SIGRTMIN", "SIGRTMAX",
        *(f"SIGRTMIN+{number}" for number in range(1, 16)),
        *(f"SIGRTMAX-{number}" for number in range(1, 15)),
    )
))  # fmt: skip


def validate_probes(container: Value, field: str, grace: int | None) -> Faults:
    faults: Faults = []
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if probe is None:
            continue
        at = f"{field}.{name}"
        faults += _probe(probe, at, grace)
        if name == "readinessProbe":
            given = probe.get("terminationGracePeriodSeconds")
            if given is not None:
                detail = "must not be set for readinessProbes"
                faults.append(invalid(f"{at}.terminationGracePeriodSeconds", given, detail))
        elif probe.get("successThreshold", 1) != 1:
            detail = "must be 1"
            faults.append(invalid(f"{at}.successThreshold", probe["successThreshold"], detail))
    return faults


def _probe(probe: Value, field: str, grace: int | None) -> Faults:
    faults = _handler(probe, field, grace)
    for name in _NUMBERS:
        faults += at_least(f"{field}.{name}", probe.get(name))
    seconds = probe.get("terminationGracePeriodSeconds")
    if seconds is not None and seconds <= 0:
        at = f"{field}.terminationGracePeriodSeconds"
        faults.append(invalid(at, seconds, "must be greater than 0"))
    return faults


def validate_lifecycle(lifecycle: Value, field: str, grace: int | None, system: str) -> Faults:
    faults: Faults = []
    for name in ("postStart", "preStop"):
        if lifecycle.get(name) is not None:
            faults += _handler(lifecycle[name], f"{field}.{name}", grace)
    if lifecycle.get("stopSignal"):
        faults += _signal(lifecycle["stopSignal"], f"{field}.stopSignal", system)
    return faults


def _signal(signal: str, field: str, system: str) -> Faults:
    if not system:
        return [forbidden(field, "may not be set for containers with empty `spec.os.name`")]
    known = _WINDOWS_SIGNALS if system == "windows" else _LINUX_SIGNALS
    return [] if signal in known else [unsupported(field, signal, known)]


def _handler(handler: Value, field: str, grace: int | None) -> Faults:
    faults: Faults = []
    given = [name for name in _HANDLERS if handler.get(name) is not None]
    for position, name in enumerate(given):
        at = f"{field}.{name}"
        if position:
            faults.append(forbidden(at, "may not specify more than 1 handler type"))
        else:
            faults += _one_handler(name, handler[name], at, grace)
    return faults if given else [required(field, "must specify a handler type")]


def _one_handler(name: str, handler: Value, field: str, grace: int | None) -> Faults:
    if name == "exec":
        return [] if handler.get("command") else [required(f"{field}.command")]
    if name == "sleep":
        return _sleep(handler.get("seconds", 0), field, grace)
    faults: Faults = []
    if name == "httpGet" and not handler.get("path"):
        faults.append(required(f"{field}.path"))
    faults += port_or_name(handler.get("port"), f"{field}.port")
    if name == "httpGet":
        faults += one_of(f"{field}.scheme", handler.get("scheme", ""), ("HTTP", "HTTPS"))
        for header in handler.get("httpHeaders") or ():
            if not re.fullmatch(r"[-A-Za-z0-9]+", header.get("name", "")):
                at = f"{field}.httpHeaders"
                faults.append(invalid(at, header.get("name", ""), _HEADER_FAULT))
    return faults


def _sleep(seconds: int, field: str, grace: int | None) -> Faults:
    if grace is None or 0 <= seconds <= grace:
        return []
    detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
    return [invalid(field, seconds, detail)]


def port_or_name(port: Any, field: str) -> Faults:
    """A port number, or the name of one."""
    if isinstance(port, str):
        return all_invalid(field, port, formats.port_name_faults(port))
    return all_invalid(field, port or 0, formats.port_number_faults(port or 0))
