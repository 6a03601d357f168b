"""A sound shop, and what it is with an example merged into it."""

from functools import cache
from pathlib import Path

from kiban.audit import RULES, Settings, Surroundings, check
from kiban.audit.surroundings import Subnet
from kiban.kube.documents import read_documents
from kiban.kube.kinds import standard_kinds
from kiban.kube.merges.strategic import strategic_merge
from kiban.kube.objects import Manifest
from kiban.kube.schema import shape_of
from kiban.primitives.instants import parse_rfc3339

TEXT = (Path(__file__).parent / "sound.yaml").read_text()
NOW = parse_rfc3339("2026-11-21T00:00:00Z")


def manifests_of(text: str) -> list[Manifest]:
    found, problems = read_documents("sound.yaml", text)
    assert problems == []
    return [one.manifest for one in found]


@cache
def sound() -> tuple[Manifest, ...]:
    return tuple(manifests_of(TEXT))


def merged(example: str) -> list[Manifest]:
    """The shop with the documents of an example: what is there is changed, the rest is added."""
    found = {_identity(one): one for one in sound()}
    versions = {one["kind"]: one["apiVersion"] for one in sound()}
    for part in example.split("\n---\n"):
        lines = [line for line in part.splitlines() if line.startswith("kind: ")]
        kind = lines[0].removeprefix("kind: ")
        if "\napiVersion: " not in f"\n{part}":
            part = f"apiVersion: {versions.get(kind, 'v1')}\n{part}"
        [patch] = manifests_of(part)
        key = _identity(patch)
        if key in found and found[key]["apiVersion"] == patch["apiVersion"]:
            info = standard_kinds().of_manifest(patch)
            assert info is not None
            found[key] = strategic_merge(found[key], patch, shape_of(info))
        else:
            patch["metadata"].setdefault("namespace", "shop")
            found[key] = patch
    return list(found.values())


def _identity(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", "shop"), metadata["name"]


# What the comments at the examples say.
SETTINGS: dict[str, Settings] = {
    "cpu-limit": Settings(cpu_limits="forbid"),
    "registry-allowlist": Settings(registries=["registry.example"]),
    "pull-policy": Settings(pull_policy="IfNotPresent"),
    "image-arch-matches-nodes": Settings(architectures=["amd64"]),
    "externaldns-hostname-in-delegated-zone": Settings(zones=["example.com"]),
    "owner-labels": Settings(labels=["owner"]),
    "request-bigger-than-any-node": Settings(node_cpu="16"),
    "anti-affinity-required-too-strict": Settings(nodes=3),
    "surge-fits-subnet-ips": Settings(subnets={"a": Subnet(zone="a", free=100)}),
    "subnet-headroom": Settings(
        subnets={"a": Subnet(zone="a", free=2), "b": Subnet(zone="b", free=9)}
    ),
    "subnet-pods": Settings(subnets={"a": Subnet(zone="a", free=2)}),
    "kubelet-skew": Settings(version="1.36"),
    "kube-proxy-skew": Settings(version="1.36"),
    "autoscaler-version": Settings(version="1.36"),
    "sleep-action-version": Settings(version="1.28"),
}


def around(rule: str) -> Surroundings:
    return Surroundings(
        SETTINGS.get(rule, Settings()),
        NOW,
        image_users={"registry.example/api:named": "app"},
        usage={"shop/api/app": {"cpu": "50m"}} if rule == "requests-vs-usage" else {},
    )


def rules_of(example: str, rule: str = "") -> set[str]:
    return {one.rule for one in check(merged(example), around=around(rule))}


def asked(rule: str, example: str) -> set[str]:
    """The rules that an example breaks, when that one is asked, too."""
    surroundings = around(rule)
    settings = surroundings.settings
    if next(one for one in RULES if one.name == rule).optional:
        settings = settings.model_copy(update={"on": [rule]})
    told = Surroundings(settings, NOW, surroundings.image_users, surroundings.usage)
    return {one.rule for one in check(merged(example), around=told)}
