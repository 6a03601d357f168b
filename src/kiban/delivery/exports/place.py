"""Where rendered manifests are published, and what both tools need to know of a bundle."""

from collections.abc import Iterator
from dataclasses import dataclass

from kiban.compiler.bundle import SERVICE_LABEL, Bundle
from kiban.delivery.order import rank_of, wave_numbers
from kiban.kube.objects import Manifest, key_of, labels_of

# The part of an environment that belongs to no service.
ENVIRONMENT_PART = "_environment"


@dataclass(frozen=True, slots=True)
class Published:
    """The repository that will hold the files. `{environment}` in the branch is filled in;
    `folder` is where in it the files lie."""

    url: str
    branch: str
    folder: str = ""

    def branch_of(self, bundle: Bundle) -> str:
        return self.branch.replace("{environment}", bundle.environment)

    def path(self, *parts: str) -> str:
        return "/".join(part for part in (self.folder.strip("/"), *parts) if part)


def name_of(bundle: Bundle) -> str:
    """One name for an environment on a cluster."""
    return f"{bundle.platform}-{bundle.environment}-{bundle.cluster}"


def folder_of(bundle: Bundle) -> str:
    return f"{bundle.cluster}/{bundle.environment}"


def parts_of(bundle: Bundle) -> dict[str, list[Manifest]]:
    """The manifests by service, those of the environment itself first."""
    found: dict[str, list[Manifest]] = {ENVIRONMENT_PART: []}
    for manifest in bundle.manifests:
        service = labels_of(manifest).get(SERVICE_LABEL, "")
        found.setdefault(service or ENVIRONMENT_PART, []).append(manifest)
    return {part: _sorted(found[part]) for part in sorted(found) if found[part]}


def waves_of(bundle: Bundle) -> dict[str, int]:
    """The wave of every service, from 0; of one that nobody names, the first."""
    waves = wave_numbers(bundle.needs)
    return {part: waves.get(part, 0) for part in parts_of(bundle) if part != ENVIRONMENT_PART}


def scaled_by_others(bundle: Bundle) -> Iterator[tuple[str, str, str]]:
    """Group, kind and name of every workload whose number of replicas an autoscaler owns."""
    for manifest in bundle.manifests:
        if manifest["kind"] == "HorizontalPodAutoscaler":
            target = manifest["spec"]["scaleTargetRef"]
            group = str(target.get("apiVersion", "")).rpartition("/")[0]
            yield group, target["kind"], target["name"]


def _sorted(manifests: list[Manifest]) -> list[Manifest]:
    return sorted(manifests, key=lambda one: (rank_of(key_of(one)), key_of(one)))
