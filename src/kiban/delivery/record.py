"""What a cluster itself remembers of its delivery: one ConfigMap per environment.

It is written when everything else of a commit is done and well, so it names the last good commit,
also to a process that has no journal.
"""

from kiban.delivery.live import Live
from kiban.delivery.marks import Scope, service_of
from kiban.delivery.messages import Desired
from kiban.kube.objects import Manifest, get_in


def record_manifest(scope: Scope, desired: Desired) -> Manifest:
    """The ConfigMap for a commit that is delivered."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": scope.record_key.name,
            "namespace": scope.namespace,
            "labels": scope.labels,
        },
        "data": {
            "platform": scope.platform,
            "environment": scope.environment,
            "commit": desired.commit.id,
            "author": desired.commit.author,
            "message": desired.commit.message,
        },
    }


def recorded_commit(live: Live, scope: Scope) -> str:
    """The commit that was delivered in full last, or an empty string."""
    found: str = get_in(live.get(scope.record_key) or {}, "data", "commit", default="")
    return found


def images_of(desired: Desired) -> dict[str, str]:
    """The image of each service's own container, for the history of releases."""
    found: dict[str, str] = {}
    for manifest in desired.bundle.manifests:
        service = service_of(manifest)
        containers = get_in(manifest, "spec", "template", "spec", "containers", default=[])
        if service and containers:
            found[service] = containers[0].get("image", "")
    return dict(sorted(found.items()))
