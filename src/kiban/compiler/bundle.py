"""What the compiler makes and delivery delivers: all that one environment needs of one cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kiban.kube.objects import Manifest

# Every compiled object carries these; waves, ownership and pruning are read from them.
PLATFORM_LABEL = "kiban.dev/platform"
# What holds data stays when nobody wants it any more, until a person deletes it.
KEPT_ANNOTATION = "kiban.dev/kept"
# On an autoscaler: what the embedded cluster asks of the platform's sources of figures.
ASKED_ANNOTATION = "kiban.dev/asked"
ENVIRONMENT_LABEL = "kiban.dev/environment"
SERVICE_LABEL = "kiban.dev/service"
# A Job that runs once for each release, at the moment that the annotation names; when it goes.
HOOK_ANNOTATION = "kiban.dev/hook"
HOOK_DELETE_ANNOTATION = "kiban.dev/hook-delete"


@dataclass(frozen=True, slots=True)
class SecretNeed:
    """A Secret that must exist before the pods that read it, and that Git never holds.

    `generate` names keys that get a random value when the Secret is made on the embedded
    cluster; `template` derives further keys from those with `{key}` placeholders
    (`postgresql://app:{password}@main.shop-dev.svc.cluster.local:5432/app`). On a cloud cluster
    the same need is met by whoever owns the resource.
    """

    namespace: str
    name: str
    service: str
    generate: tuple[str, ...] = ()
    template: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    sealed: str = ""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One environment on one cluster.

    `manifests` are sorted in the order of `kiban compile`. `needs` is the service graph: for
    every service, job and local resource (the values of `kiban.dev/service` labels) the others it
    uses. Objects without that label belong to the environment itself and come first.
    """

    platform: str
    environment: str
    cluster: str
    namespace: str
    manifests: tuple[Manifest, ...]
    needs: Mapping[str, frozenset[str]]
    secrets: tuple[SecretNeed, ...] = ()
    # Addresses under which people reach routes: {"web": ["arcade.localhost/"]}.
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # What happens to changes by hand: "heal" or "show".
    drift: str = "heal"
    # Platform and environment under their names before a rename, whose objects pass to this one.
    formerly: tuple[tuple[str, str], ...] = ()
    # Cluster node groups as declared, for the embedded cluster's virtual nodes (spec values).
    nodes: tuple[Mapping[str, Any], ...] = ()
