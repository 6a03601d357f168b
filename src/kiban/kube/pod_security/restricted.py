"""The controls of the level `restricted`: what a hardened pod must say of itself.

Source: k8s.io/pod-security-admission/policy/check_*.go.
"""

from kiban.kube.pod_security.parts import (
    Pod,
    Value,
    Violation,
    containers,
    plural,
    quoted,
    setters,
)

_VOLUMES = frozenset(
    [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
        "image",
    ]
)
_PROFILES = ("RuntimeDefault", "Localhost")


def privilege_escalation(pod: Pod) -> Violation | None:
    if pod.is_windows:
        return None
    names = pod.named(lambda context: context.get("allowPrivilegeEscalation") is not False)
    if not names:
        return None
    detail = f"{containers(names)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail)


def capabilities(pod: Pod) -> Violation | None:
    if pod.is_windows:
        return None

    def of(context: Value, part: str) -> list[str]:
        return (context.get("capabilities") or {}).get(part) or []

    def added(context: Value) -> list[str]:
        return [name for name in of(context, "add") if name != "NET_BIND_SERVICE"]

    said = []
    keeping = pod.named(lambda context: "ALL" not in of(context, "drop"))
    if keeping:
        said.append(f'{containers(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    adding = pod.named(lambda context: bool(added(context)))
    if adding:
        contexts = [c.get("securityContext") or {} for c in pod.containers]
        names = sorted({name for context in contexts for name in added(context)})
        which = f"{containers(adding)} must not include {quoted(names)}"
        said.append(f"{which} in securityContext.capabilities.add")
    return Violation("unrestricted capabilities", "; ".join(said)) if said else None


def volumes(pod: Pod) -> Violation | None:
    names: list[str] = []
    types: dict[str, None] = {}
    for volume in pod.spec.get("volumes") or ():
        wrong = [kind for kind in volume if kind != "name" and kind not in _VOLUMES]
        if wrong:
            names.append(volume["name"])
            types[wrong[0]] = None
    if not names:
        return None
    use = "uses" if len(names) == 1 else "use"
    which = f"{plural('volume', len(names))} {quoted(names)} {use}"
    listed = f"restricted volume {plural('type', len(types))} {quoted(sorted(types))}"
    return Violation("restricted volume types", f"{which} {listed}")


def non_root(pod: Pod) -> Violation | None:
    if pod.spec.get("hostUsers") is False:
        return None
    by_pod = pod.context.get("runAsNonRoot")
    denying = pod.named(lambda context: context.get("runAsNonRoot") is False)
    silent = pod.named(lambda context: context.get("runAsNonRoot") is None)
    reason = "runAsNonRoot != true"
    if by_pod is False or denying:
        who = setters(by_pod is False, denying)
        return Violation(reason, f"{who} must not set securityContext.runAsNonRoot=false")
    if not by_pod and silent:
        text = f"pod or {containers(silent)} must set securityContext.runAsNonRoot=true"
        return Violation(reason, text)
    return None


def user(pod: Pod) -> Violation | None:
    if pod.spec.get("hostUsers") is False:
        return None
    by_pod = pod.context.get("runAsUser") == 0
    names = pod.named(lambda context: context.get("runAsUser") == 0)
    if not by_pod and not names:
        return None
    return Violation("runAsUser=0", f"{setters(by_pod, names)} must not set runAsUser=0")


def seccomp(pod: Pod) -> Violation | None:
    if pod.is_windows:
        return None

    def profile(context: Value) -> str:
        found: str = (context.get("seccompProfile") or {}).get("type", "")
        return found

    by_pod = profile(pod.context)
    wrong = pod.named(lambda context: profile(context) not in ("", *_PROFILES))
    silent = pod.named(lambda context: not profile(context))
    pod_wrong = by_pod not in ("", *_PROFILES)
    if wrong or pod_wrong:
        who = setters(pod_wrong, wrong)
        text = f'{who} must not set securityContext.seccompProfile.type to "Unconfined"'
        return Violation("seccompProfile", text)
    if not by_pod and silent:
        types = " or ".join(f'"{name}"' for name in _PROFILES)
        which = f"pod or {containers(silent)} must set securityContext.seccompProfile.type to"
        return Violation("seccompProfile", f"{which} {types}")
    return None
