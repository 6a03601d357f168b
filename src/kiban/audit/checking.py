"""Every rule over every manifest."""

from collections.abc import Iterable

from kiban.audit.findings import Finding, Rule
from kiban.audit.rules import RULES
from kiban.audit.view import view_of
from kiban.kube.objects import Manifest


def check(manifests: Iterable[Manifest], rules: Iterable[Rule] = RULES) -> tuple[Finding, ...]:
    """What the rules say about the manifests together, the worst first.

    The manifests of a whole environment belong together: whether a Service leads anywhere cannot
    be said of the Service alone.
    """
    view = view_of(manifests)
    found = [
        Finding(rule.name, rule.severity, said.object, said.path, said.what, rule.why, rule.fix)
        for rule in rules
        for said in rule.look(view)
    ]
    return tuple(sorted(found, key=lambda finding: finding.order))
