"""Every rule over every manifest."""

from collections.abc import Iterable
from dataclasses import replace

from kiban.audit.findings import Finding, Rule, Said, Severity
from kiban.audit.rules import BY_NAME, RULES
from kiban.audit.surroundings import Settings, Surroundings
from kiban.audit.view import View, view_of
from kiban.audit.wellformed import Readings
from kiban.compiler.bundle import SERVICE_LABEL
from kiban.kube.objects import Manifest, labels_of
from kiban.primitives.problems import KibanError, Problem, nearest


def check(
    manifests: Iterable[Manifest],
    rules: Iterable[Rule] | None = None,
    around: Surroundings | None = None,
    readings: Readings | None = None,
) -> tuple[Finding, ...]:
    """What the rules say about the manifests together, the worst first. Who asks again and again
    keeps the `readings`, so that only what is new has to be read.

    The manifests of a whole environment belong together: whether a Service leads anywhere cannot
    be said of the Service alone.
    """
    around = around or Surroundings()
    view = view_of(manifests, around, readings)
    asked = chosen(around.settings) if rules is None else rules
    found = [_finding(rule, said, view) for rule in asked for said in rule.look(view)]
    return tuple(sorted(found, key=lambda finding: finding.order))


def chosen(settings: Settings) -> tuple[Rule, ...]:
    """The rules that the settings ask. Raises `KibanError` for a name that no rule has."""
    named = [*settings.on, *settings.off, *settings.severity]
    problems = [unknown_rule(name) for name in named if name not in BY_NAME]
    if problems:
        raise KibanError(problems)
    on, off = set(settings.on), set(settings.off)
    return tuple(
        replace(rule, severity=Severity[settings.severity[rule.name].upper()])
        if rule.name in settings.severity
        else rule
        for rule in RULES
        if rule.name not in off and (not rule.optional or rule.name in on)
    )


def unknown_rule(name: str) -> Problem:
    meant = nearest(name, BY_NAME)
    fix = f"write {meant}" if meant else "see docs/reference/checks.md"
    return Problem("audit/unknown-rule", f"there is no rule {name!r}", fix=fix)


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
        verdict=said.verdict,
        value=said.value,
    )
