"""Which empty old sets of a Deployment are no longer kept.

Source: cleanupDeployment in pkg/controller/deployment/sync.go.
"""

from kiban.cluster.controllers.deployment.revisions import Sets, revision_of
from kiban.cluster.controllers.deployment.wishes import history_limit, size_of
from kiban.kube.objects import Manifest, get_in, is_deleting, key_of, uid_of
from kiban.reconcile.commands import Command, Delete


def outdated_sets(deployment: Manifest, sets: Sets) -> tuple[Command, ...]:
    """The deletion of the sets beyond the limit, oldest revision first."""
    limit = history_limit(deployment)
    if limit is None:
        return ()
    kept = [entry for entry in sets.old if not is_deleting(entry)]
    surplus = sorted(kept, key=revision_of)[: max(0, len(kept) - limit)]
    return tuple(Delete(key_of(entry), uid=uid_of(entry)) for entry in surplus if _is_spent(entry))


def _is_spent(replica_set: Manifest) -> bool:
    observed = get_in(replica_set, "status", "observedGeneration", default=0)
    return (
        size_of(replica_set) == 0
        and get_in(replica_set, "status", "replicas", default=0) == 0
        and observed >= replica_set["metadata"].get("generation", 0)
    )
