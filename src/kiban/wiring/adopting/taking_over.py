"""What taking over does to what runs on a cluster, found by looking."""

from dataclasses import dataclass

from kiban.adapters.kubernetes import KubernetesCluster, load_access
from kiban.adopt import Adoption
from kiban.adopt.proof import RUNNING, Restart, restart_reasons
from kiban.kube.objects import key_of


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What taking over does to the workloads of a cluster: those whose pods are replaced, those
    that stay as they run, and those that are not there."""

    restarts: tuple[Restart, ...]
    kept: int
    absent: tuple[str, ...]


async def take_over(found: Adoption, context: str) -> TakeOver:
    """Compare the pod templates with those of a cluster that runs. Nothing is changed."""
    restarts: list[Restart] = []
    absent: list[str] = []
    kept = 0
    async with KubernetesCluster(load_access(context)) as cluster:
        for copy in found.copies:
            for manifest in found.bundles[copy.environment].manifests:
                if manifest["kind"] not in RUNNING:
                    continue
                name = copy.name_of(manifest)
                live = await cluster.get(key_of(manifest))
                if live is None:
                    absent.append(f"{name}@{copy.environment}")
                elif why := restart_reasons(live, manifest):
                    restarts.append(Restart(copy.environment, name, why))
                else:
                    kept += 1
    return TakeOver(tuple(restarts), kept, tuple(absent))
