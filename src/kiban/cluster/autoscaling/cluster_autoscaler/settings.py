"""The Cluster Autoscaler's flags with their defaults (cluster-autoscaler/config, July 2026)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Taints and annotations by which the autoscaler and its users talk about nodes and pods.
TO_BE_DELETED = "ToBeDeletedByClusterAutoscaler"
DELETION_CANDIDATE = "DeletionCandidateOfClusterAutoscaler"
SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
SAFE_LOCAL_VOLUMES = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"
SCALE_DOWN_DISABLED = "cluster-autoscaler.kubernetes.io/scale-down-disabled"
STATUS_NAMESPACE = "kube-system"
STATUS_NAME = "cluster-autoscaler-status"
PRIORITIES_NAME = "cluster-autoscaler-priority-expander"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the whole cluster must not outgrow; None is no limit. Cores and memory in whole cores
    and GiB."""

    max_nodes: int | None = None
    max_cores: int | None = None
    max_memory_gib: int | None = None


@dataclass(frozen=True, slots=True)
class ScaleDown:
    """When a node is taken away, in seconds."""

    enabled: bool = True
    utilization_threshold: float = 0.5
    unneeded_time: float = 600.0
    unready_time: float = 1200.0
    delay_after_add: float = 600.0
    delay_after_failure: float = 180.0
    delay_after_delete: float = 0.0
    skip_local_storage: bool = True
    skip_system_pods: bool = True
    skip_custom_controller_pods: bool = False
    non_empty_candidates: int = 30
    parallelism: int = 10
    drain_parallelism: int = 1
    recheck_unremovable: float = 300.0
    taint_delay: float = 5.0
    max_grace: float = 600.0
    eviction_time: float = 120.0
    eviction_retry: float = 10.0
    eviction_headroom: float = 30.0
    soft_taints: int = 10


@dataclass(frozen=True, slots=True)
class Settings:
    """All flags. `priorities` stands in for the priority expander's ConfigMap where there is
    none: group name patterns by priority. Without `skips_quiet_scans` every scan is made, also
    those that can only decide what the last one did."""

    scan_interval: float = 10.0
    new_pod_buffer: float = 2.0
    expendable_below: int = -10
    expanders: tuple[str, ...] = ("least-waste",)
    limits: Limits = Limits()
    max_nodes_per_scale_up: int = 1000
    max_provision_time: float = 900.0
    backoff_first: float = 300.0
    backoff_longest: float = 1800.0
    backoff_reset: float = 10800.0
    unready_percent: float = 45.0
    unready_count: int = 3
    balances_similar_groups: bool = False
    skips_quiet_scans: bool = True
    scale_down: ScaleDown = ScaleDown()
    priorities: Mapping[int, Sequence[str]] = field(default_factory=dict)
