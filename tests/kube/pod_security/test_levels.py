"""What the security levels say of pods."""

from typing import Any

from kiban.kube.pod_security import violations

HARDENED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def said(level: str, spec: dict[str, Any]) -> list[str]:
    return [str(violation) for violation in violations(level, {}, spec)]


def test_a_hardened_pod_passes_every_level() -> None:
    spec = {"containers": [{"name": "c", "securityContext": HARDENED}]}
    assert [said(level, spec) for level in ("privileged", "baseline", "restricted")] == [[], [], []]


def test_the_baseline_names_each_way_out_in_its_order() -> None:
    spec = {
        "hostPID": True,
        "volumes": [{"name": "v", "hostPath": {"path": "/"}}],
        "containers": [
            {
                "name": "c",
                "ports": [{"containerPort": 80, "hostPort": 80}],
                "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}},
            },
            {"name": "d", "securityContext": {"privileged": True}},
        ],
    }
    assert said("baseline", spec) == [
        'non-default capabilities (container "c" must not include "NET_ADMIN" in '
        "securityContext.capabilities.add)",
        "host namespaces (hostPID=true)",
        'hostPath volumes (volume "v")',
        'hostPort (container "c" uses hostPort 80)',
        'privileged (container "d" must not set securityContext.privileged=true)',
    ]


def test_the_restricted_level_asks_pods_to_say_what_they_do_without() -> None:
    spec = {
        "securityContext": {"runAsUser": 0, "runAsNonRoot": False},
        "containers": [{"name": "a", "securityContext": HARDENED}, {"name": "b"}],
    }
    assert said("restricted", spec) == [
        'allowPrivilegeEscalation != false (container "b" must set '
        "securityContext.allowPrivilegeEscalation=false)",
        'unrestricted capabilities (container "b" must set '
        'securityContext.capabilities.drop=["ALL"])',
        "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
        "runAsUser=0 (pod must not set runAsUser=0)",
        'seccompProfile (pod or container "b" must set securityContext.seccompProfile.type to '
        '"RuntimeDefault" or "Localhost")',
    ]
