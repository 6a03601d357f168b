"""The one list of controllers that every cluster runs, in the order in which they see changes."""

from kiban.cluster.controllers.deployment import DeploymentController
from kiban.cluster.controllers.replica_set import ReplicaSetController
from kiban.reconcile.controller import Controller


def controllers() -> list[Controller]:
    """New controllers, one of each."""
    return [
        DeploymentController(),
        ReplicaSetController(),
    ]
