"""All controllers of a cluster on one screen. They do not know each other: they meet in objects."""

from kiban.cluster.controllers.cluster_role_aggregation import ClusterRoleAggregationController
from kiban.cluster.controllers.cron_job import CronJobController
from kiban.cluster.controllers.daemon_set import DaemonSetController
from kiban.cluster.controllers.deployment import DeploymentController
from kiban.cluster.controllers.disruption import DisruptionController
from kiban.cluster.controllers.endpoint_slice import EndpointSliceController
from kiban.cluster.controllers.garbage_collector import GarbageCollector
from kiban.cluster.controllers.horizontal_pod_autoscaler import (
    NO_METRICS,
    HorizontalPodAutoscalerController,
    Metrics,
)
from kiban.cluster.controllers.job import JobController
from kiban.cluster.controllers.namespace import NamespaceController
from kiban.cluster.controllers.node_lifecycle import Heartbeats, NodeLifecycleController
from kiban.cluster.controllers.persistent_volume import PersistentVolumeController
from kiban.cluster.controllers.persistent_volume_claim import PersistentVolumeClaimController
from kiban.cluster.controllers.pod_garbage_collector import PodGarbageCollector
from kiban.cluster.controllers.replica_set import ReplicaSetController
from kiban.cluster.controllers.resource_quota import ResourceQuotaController
from kiban.cluster.controllers.root_ca import RootCaController
from kiban.cluster.controllers.service_account import ServiceAccountController
from kiban.cluster.controllers.stateful_set import StatefulSetController
from kiban.cluster.controllers.storage_protection import StorageProtectionController
from kiban.cluster.controllers.taint_eviction import TaintEvictionController
from kiban.cluster.controllers.ttl_after_finished import TtlAfterFinishedController
from kiban.cluster.scheduler import Scheduler
from kiban.reconcile.controller import Controller


def controllers(
    *,
    root_ca: str = "",
    metrics: Metrics = NO_METRICS,
    heartbeats: Heartbeats | None = None,
    autoscaler: Controller | None = None,
    scheduler: Controller | None = None,
) -> list[Controller]:
    """One of each. `root_ca` is the PEM certificate of the API server; without it, none is
    published. Nodes are heard by their leases unless `heartbeats` tells of them. An
    `autoscaler` or a `scheduler` of one's own takes the place of the usual one."""
    return [
        NamespaceController(),
        ServiceAccountController(),
        scheduler or Scheduler(),
        EndpointSliceController(),
        DeploymentController(),
        ReplicaSetController(),
        StatefulSetController(),
        DaemonSetController(),
        autoscaler or HorizontalPodAutoscalerController(metrics),
        JobController(),
        CronJobController(),
        TtlAfterFinishedController(),
        DisruptionController(),
        NodeLifecycleController(heartbeats),
        TaintEvictionController(),
        PodGarbageCollector(),
        PersistentVolumeClaimController(),
        PersistentVolumeController(),
        StorageProtectionController(),
        ResourceQuotaController(),
        ClusterRoleAggregationController(),
        GarbageCollector(),
        *([RootCaController(root_ca)] if root_ca else []),
    ]
