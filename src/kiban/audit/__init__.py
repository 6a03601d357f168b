"""Manifests to findings: rules over what Kubernetes would really do, waivers with an end.

`check` takes the manifests of one environment together; `judge` takes the waivers into account.
"""

from kiban.audit.checking import check, chosen
from kiban.audit.findings import Finding, Mend, Rule, Severity, Verdict
from kiban.audit.rules import BY_NAME, GROUPS, RULES
from kiban.audit.surroundings import (
    Settings,
    Surroundings,
    load_settings,
    surroundings_of,
)
from kiban.audit.waivers import Judgement, Waiver, judge, load_waivers

__all__ = [
    "BY_NAME",
    "GROUPS",
    "RULES",
    "Finding",
    "Judgement",
    "Mend",
    "Rule",
    "Settings",
    "Severity",
    "Surroundings",
    "Verdict",
    "Waiver",
    "check",
    "chosen",
    "judge",
    "load_settings",
    "load_waivers",
    "surroundings_of",
]
