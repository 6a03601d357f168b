"""Rules for the security contexts of pods and containers.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

import re
from typing import Any

from kiban.kube.validation.faults import (
    Faults,
    duplicate,
    invalid,
    required,
    too_long,
    unsupported,
)
from kiban.kube.validation.paths import descending

Value = dict[str, Any]

_MOST_ID = 2**31 - 1
_ID_FAULT = f"must be between 0 and {_MOST_ID}, inclusive"
_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_LONGEST_PROFILE = 4095
_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = f"^({_SEGMENT}[\\./])*{_SEGMENT}$"
_LONGEST_SYSCTL = 253


def _identity(value: Any, field: str) -> Faults:
    return [] if value is None or 0 <= value <= _MOST_ID else [invalid(field, value, _ID_FAULT)]


def validate_pod_security(spec: Value, field: str) -> Faults:
    context = spec.get("securityContext") or {}
    if not context and not spec.get("shareProcessNamespace"):
        return []
    at = f"{field}.securityContext"
    faults: Faults = []
    for name in ("fsGroup", "runAsUser", "runAsGroup"):
        faults += _identity(context.get(name), f"{at}.{name}")
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        faults += _identity(group, f"{at}.supplementalGroups[{index}]")
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        faults.append(invalid(f"{at}.shareProcessNamespace", True, detail))
    faults += _sysctls(context.get("sysctls") or (), f"{at}.sysctls", spec)
    for name, known in _CHOICES:
        if name == "supplementalGroupsPolicy":
            faults += validate_profiles(context, at)
        value = context.get(name)
        if value is not None and value not in known:
            faults.append(unsupported(f"{at}.{name}", value, known))
    return faults


_CHOICES = (
    ("fsGroupChangePolicy", ("Always", "OnRootMismatch")),
    ("supplementalGroupsPolicy", ("Merge", "Strict")),
    ("seLinuxChangePolicy", ("MountOption", "Recursive")),
)


def _sysctls(sysctls: Any, field: str, spec: Value) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for index, entry in enumerate(sysctls):
        at, name = f"{field}[{index}].name", entry.get("name", "")
        if not name:
            faults.append(required(at))
        elif len(name) > _LONGEST_SYSCTL or not re.fullmatch(_SYSCTL[1:-1], name):
            detail = f"must have at most {_LONGEST_SYSCTL} characters and match regex {_SYSCTL}"
            faults.append(invalid(at, name, detail))
        elif name in seen:
            faults.append(duplicate(at, name))
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            faults.append(invalid(at, name, "may not be specified when 'hostNetwork' is true"))
        elif spec.get("hostIPC") and dotted.startswith(("kernel.shm", "kernel.msg", "fs.mqueue.")):
            faults.append(invalid(at, name, "may not be specified when 'hostIPC' is true"))
        seen.add(name)
    return faults


def validate_profiles(context: Value, field: str) -> Faults:
    """The seccomp and AppArmor profiles of a context."""
    faults: Faults = []
    seccomp, armor = context.get("seccompProfile"), context.get("appArmorProfile")
    if seccomp is not None:
        faults += _seccomp(seccomp, f"{field}.seccompProfile")
    if armor is not None:
        faults += _app_armor(armor, f"{field}.appArmorProfile")
    return faults


def _profile_type(kind: str, field: str, called: str) -> Faults:
    if not kind:
        return [required(f"{field}.type", f"type is required when {called} is set")]
    return [] if kind in _PROFILES else [unsupported(f"{field}.type", kind, _PROFILES)]


def _seccomp(profile: Value, field: str) -> Faults:
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    faults = _profile_type(kind, field, "seccompProfile")
    at = f"{field}.localhostProfile"
    if kind == "Localhost":
        if local is None:
            return [*faults, required(at, "must be set when seccomp type is Localhost")]
        return faults + descending(local, at)
    if local is not None:
        shown = {"Type": kind, "LocalhostProfile": local}
        faults.append(invalid(at, shown, "can only be set when seccomp type is Localhost"))
    return faults


def _app_armor(profile: Value, field: str) -> Faults:
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    at = f"{field}.localhostProfile"
    if kind != "Localhost":
        if kind in _PROFILES and local is not None:
            detail = "can only be set when AppArmor type is Localhost"
            return [invalid(at, local, detail)]
        return _profile_type(kind, field, "appArmorProfile")
    if local is None:
        return [required(at, "must be set when AppArmor type is Localhost")]
    faults: Faults = []
    if local != local.strip():
        faults.append(invalid(at, local, "must not be padded with whitespace"))
    elif not local:
        faults.append(required(at, "must be set when AppArmor type is Localhost"))
    if len(local) > _LONGEST_PROFILE:
        faults.append(too_long(at, _LONGEST_PROFILE))
    return faults


def validate_security(context: Value, field: str, *, host_users: bool) -> Faults:
    """The security context of one container."""
    faults: Faults = []
    for name in ("runAsUser", "runAsGroup"):
        faults += _identity(context.get(name), f"{field}.{name}")
    mount = context.get("procMount")
    if mount is not None:
        known = ("Default", "Unmasked")
        if mount not in known:
            faults.append(unsupported(f"{field}.procMount", mount, known))
        if host_users and mount == "Unmasked":
            detail = "`hostUsers` must be false to use `Unmasked`"
            faults.append(invalid(f"{field}.procMount", mount, detail))
    profiles = validate_profiles(context, field)
    if context.get("allowPrivilegeEscalation") is False:
        faults += [fault for fault in profiles if ".seccomp" in fault.field]
        faults += _escalation(context, field)
        return faults + [fault for fault in profiles if ".seccomp" not in fault.field]
    return faults + profiles


def _escalation(context: Value, field: str) -> Faults:
    faults: Faults = []
    said = "cannot set `allowPrivilegeEscalation` to false and "
    if context.get("privileged"):
        faults.append(invalid(field, _as_internal(context), f"{said}`privileged` to true"))
    for name in (context.get("capabilities") or {}).get("add") or ():
        if name == "CAP_SYS_ADMIN":
            detail = f"{said}`capabilities.Add` CAP_SYS_ADMIN"
            faults.append(invalid(field, _as_internal(context), detail))
    return faults


_FIELDS = (
    "capabilities", "privileged", "seLinuxOptions", "windowsOptions", "runAsUser", "runAsGroup",
    "runAsNonRoot", "readOnlyRootFilesystem", "allowPrivilegeEscalation", "procMount",
    "seccompProfile", "appArmorProfile",
)  # fmt: skip


def _as_internal(context: Value) -> Value:
    """A context as messages show it: by the server's own field names, absent ones as null."""
    shown: Value = {}
    for name in _FIELDS:
        own = "SELinuxOptions" if name == "seLinuxOptions" else name[0].upper() + name[1:]
        shown[own] = context.get(name)
    granted = context.get("capabilities")
    if granted is not None:
        shown["Capabilities"] = {"Add": granted.get("add"), "Drop": granted.get("drop")}
    return shown
