"""Every rule over every manifest."""

from collections.abc import Iterable

from kiban.audit.findings import Finding, Rule, Said
from kiban.audit.rules import RULES
from kiban.audit.view import View, view_of
from kiban.compiler.bundle import SERVICE_LABEL
from kiban.kube.objects import Manifest, labels_of


def check(manifests: Iterable[Manifest], rules: Iterable[Rule] = RULES) -> tuple[Finding, ...]:
    """What the rules say about the manifests together, the worst first.

    The manifests of a whole environment belong together: whether a Service leads anywhere cannot
    be said of the Service alone.
    """
    view = view_of(manifests)
    found = [_finding(rule, said, view) for rule in rules for said in rule.look(view)]
    return tuple(sorted(found, key=lambda finding: finding.order))


def _finding(rule: Rule, said: Said, view: View) -> Finding:
    manifest = view.by_key.get(said.object)
    return Finding(
        rule=rule.name,
        severity=rule.severity,
        object=said.object,
        path=said.path,
        what=said.what,
        why=rule.why,
        fix=rule.fix,
        service=labels_of(manifest).get(SERVICE_LABEL, "") if manifest else "",
    )
