"""Karpenter's fixed times and limits (kubernetes-sigs/karpenter, August 2026), in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """`respects_preferences` is the preference policy: preferences count as requirements until a
    pod fits nowhere with them."""

    batch_idle: float = 1.0
    batch_max: float = 10.0
    # Pods that could not be helped are tried again, for what can be had changes.
    unhelped_retry: float = 60.0
    launch_timeout: float = 300.0
    registration_timeout: float = 900.0
    disruption_poll: float = 10.0
    validation_delay: float = 15.0
    replacement_timeout: float = 3600.0
    eviction_first: float = 0.1
    eviction_longest: float = 10.0
    max_instance_types: int = 600
    max_multi_candidates: int = 100
    min_cheaper_spot_types: int = 15
    allows_spot_to_spot: bool = False
    respects_preferences: bool = True
