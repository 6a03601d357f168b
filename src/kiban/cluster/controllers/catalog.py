"""All controllers of a cluster on one screen. They do not know each other: they meet in objects."""

from kiban.cluster.controllers.cron_job import CronJobController
from kiban.cluster.controllers.daemon_set import DaemonSetController
from kiban.cluster.controllers.deployment import DeploymentController
from kiban.cluster.controllers.endpoint_slice import EndpointSliceController
from kiban.cluster.controllers.job import JobController
from kiban.cluster.controllers.namespace import NamespaceController
from kiban.cluster.controllers.replica_set import ReplicaSetController
from kiban.cluster.controllers.root_ca import RootCaController
from kiban.cluster.controllers.service_account import ServiceAccountController
from kiban.cluster.controllers.stateful_set import StatefulSetController
from kiban.cluster.controllers.ttl_after_finished import TtlAfterFinishedController
from kiban.cluster.scheduler import Scheduler
from kiban.reconcile.controller import Controller


def controllers(*, root_ca: str = "") -> list[Controller]:
    """One of each. `root_ca` is the PEM certificate of the API server; without it, none is
    published."""
    return [
        NamespaceController(),
        ServiceAccountController(),
        Scheduler(),
        EndpointSliceController(),
        DeploymentController(),
        ReplicaSetController(),
        StatefulSetController(),
        DaemonSetController(),
        JobController(),
        CronJobController(),
        TtlAfterFinishedController(),
        *([RootCaController(root_ca)] if root_ca else []),
    ]
