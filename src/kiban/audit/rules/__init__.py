"""All rules, one file for each group; the list here is the only place that knows them all. Rules
do not know each other."""

from kiban.audit.findings import Rule
from kiban.audit.rules import (
    availability,
    clear_text,
    images,
    jobs,
    networking,
    probes,
    requests,
    scaling,
    security,
    shutdown,
)

RULES: tuple[Rule, ...] = (
    *availability.RULES,
    *clear_text.RULES,
    *images.RULES,
    *jobs.RULES,
    *networking.RULES,
    *probes.RULES,
    *requests.RULES,
    *scaling.RULES,
    *security.RULES,
    *shutdown.RULES,
)
