"""Manifests to findings: rules over what Kubernetes would really do, waivers with an end.

`check` takes the manifests of one environment together; `judge` takes the waivers into account.
"""

from kiban.audit.checking import check
from kiban.audit.findings import Finding, Rule, Severity
from kiban.audit.rules import RULES
from kiban.audit.waivers import Judgement, Waiver, judge, load_waivers

__all__ = [
    "RULES",
    "Finding",
    "Judgement",
    "Rule",
    "Severity",
    "Waiver",
    "check",
    "judge",
    "load_waivers",
]
