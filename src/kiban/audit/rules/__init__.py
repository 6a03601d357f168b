"""All rules, one file for each group; the list here is the only place that knows them all. Rules
do not know each other."""

from kiban.audit.findings import Rule
from kiban.audit.rules import (
    availability,
    clear_text,
    eks,
    eks_clusters,
    hygiene,
    identity,
    images,
    jobs,
    load_balancers,
    networking,
    nodes,
    patches,
    policies,
    probes,
    requests,
    rights,
    rollouts,
    runtimes,
    scaling,
    security,
    shutdown,
    spreading,
    versions,
)

GROUPS: dict[str, tuple[Rule, ...]] = {
    "Availability": availability.RULES,
    "Spreading": spreading.RULES,
    "Rollouts": rollouts.RULES,
    "Autoscaling": scaling.RULES,
    "Probes": probes.RULES,
    "Shutting down": shutdown.RULES,
    "Requests and limits": requests.RULES,
    "Language runtimes": runtimes.RULES,
    "Container security": security.RULES,
    "Access to nodes": nodes.RULES,
    "Identity": identity.RULES,
    "Secrets": clear_text.RULES,
    "Rights": rights.RULES,
    "Images": images.RULES,
    "Services and Ingresses": networking.RULES,
    "Network policies": policies.RULES,
    "Load balancers and DNS": load_balancers.RULES,
    "EKS": eks.RULES,
    "EKS clusters and upgrades": eks_clusters.RULES,
    "Jobs": jobs.RULES,
    "Hygiene": hygiene.RULES,
    "Patches": patches.RULES,
    "Versions": versions.RULES,
}
RULES: tuple[Rule, ...] = tuple(rule for rules in GROUPS.values() for rule in rules)
BY_NAME: dict[str, Rule] = {rule.name: rule for rule in RULES}
