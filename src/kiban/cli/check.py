"""`kiban check`: what the rules say about what would be delivered, about files, or a cluster."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kiban.cli.shown import show_json, show_problems

if TYPE_CHECKING:
    from kiban.audit.results import Report
    from kiban.primitives.problems import Problem
    from kiban.wiring.checking import Options

FORMATS = ("text", "json", "sarif", "junit", "markdown", "html")
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("check", epilog="Example: helm template chart | kiban check - --format sarif")
@click.argument("paths", nargs=-1, metavar="[PATH|-]...")
@click.option("--env", "-e", "environment", metavar="ENV", help="One environment of the repo.")
@click.option("--live", is_flag=True, help="Check what runs in the cluster of a kubeconfig.")
@click.option("--context", default="", help="The context of the kubeconfig, with --live.")
@click.option("--namespace", "-n", default="", help="One namespace, with --live.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="Of the report.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--out", type=_FILE, help="Write the report to FILE.")
@click.option("--heat-map", type=_FILE, help="Write the fleet's map to FILE, SVG or HTML.")
@click.option("--advice", is_flag=True, help="Let advice count, too.")
@click.option("--baseline", type=_FILE, help="Findings that are known; only new ones fail.")
@click.option("--write-baseline", type=_FILE, help="Write what is found as a baseline.")
@click.option("--settings", type=_FILE, help="What you decided; checks.yaml by default.")
@click.option("--waivers", type=_FILE, help="Accepted findings; waivers.yaml by default.")
@click.option("--usage", type=_FILE, help="Measured peaks as JSON, for requests.")
@click.option("--kubernetes-version", "version", default="", help="The version to be ready for.")
@click.option("--fix", is_flag=True, help="Solve what can be meant in one way only.")
@click.option("--risky", is_flag=True, help="With --fix, also what could break a program.")
@click.option("--dry-run", is_flag=True, help="With --fix, show the changes and make none.")
@click.option("--explain", "rule", metavar="RULE", help="Say what a rule is about.")
def check_command(**chosen: Any) -> None:
    """Check the compiled manifests of the platform repo, or the manifests at PATHS, on standard
    input (-), or in a cluster (--live).

    Exits with 1 when a finding of severity error or warning is not waived, not in the baseline.
    """
    if chosen["rule"]:
        explain_rule(chosen["rule"])
        return
    options = _options(chosen)
    report = _checked(chosen, options)
    if chosen["fix"]:
        _fix(chosen, report, options)
        if chosen["dry_run"]:
            return
        report = _checked(chosen, options)
    if chosen["write_baseline"]:
        from kiban.audit.baseline import written

        chosen["write_baseline"].write_text(written(report.results))
        click.echo(f"wrote {chosen['write_baseline']}", err=True)
        return
    _show(report, chosen)
    raise click.exceptions.Exit(1 if report.failed else 0)


def _options(chosen: dict[str, Any]) -> "Options":
    import json

    from kiban.wiring.checked_files import read_text
    from kiban.wiring.checking import Options

    usage = json.loads(read_text(chosen["usage"])) if chosen["usage"] else {}
    return Options(
        chosen["settings"],
        chosen["waivers"],
        chosen["baseline"],
        chosen["version"],
        chosen["advice"],
        usage,
        changes=chosen["form"] == "sarif",
    )


def _checked(chosen: dict[str, Any], options: "Options") -> "Report":
    """The report of what the arguments mean."""
    if chosen["live"]:
        from kiban.wiring.live_checking import check_live

        return check_live(chosen["context"], chosen["namespace"], options)
    if chosen["paths"]:
        from kiban.wiring.checking import check_paths

        paths = [Path(path) for path in chosen["paths"] if path != "-"]
        stdin = sys.stdin.read() if "-" in chosen["paths"] else None
        return check_paths(paths, stdin, options)
    from kiban.wiring.checking import check_platform

    return check_platform(Path.cwd(), chosen["environment"], options)


def _fix(chosen: dict[str, Any], report: "Report", options: "Options") -> None:
    from kiban.wiring.mending import mend_paths, mend_platform

    if chosen["live"] or "-" in chosen["paths"]:
        raise click.UsageError("--fix changes files: name them, or run it in a platform repo")
    of_files = bool(chosen["paths"])
    risky = chosen["risky"]
    if of_files:
        found = mend_paths([Path(path) for path in chosen["paths"]], report, options, risky=risky)
    else:
        found = mend_platform(Path.cwd(), report, options, risky=risky)
    for one in found:
        if chosen["dry_run"]:
            click.echo(one.difference, nl=False)
        else:
            one.write()
            rules = ", ".join(sorted({finding.rule for finding in one.solved}))
            click.echo(f"{one.path}: solved {len(one.solved)} ({rules})", err=True)
    if not found:
        click.echo("nothing can be solved without a decision of yours", err=True)
    left = 0 if risky else _risky_ones(report)
    if left:
        said = f"{_counted(left, 'finding')} more: solving them could break a program"
        click.echo(f"{said}; look at --fix --risky --dry-run", err=True)


def _risky_ones(report: "Report") -> int:
    from kiban.audit.mending import mend_of

    mends = [mend_of(one.finding) for one in report.standing]
    return sum(mend is not None and mend.risky for mend in mends)


def _show(report: "Report", chosen: dict[str, Any]) -> None:
    form = "json" if chosen["as_json"] else chosen["form"]
    if chosen["heat_map"]:
        from kiban.audit.heat import heat_map
        from kiban.audit.reports import html

        page = chosen["heat_map"].suffix == ".html"
        drawn = html.written(report) if page else heat_map(report.results)
        chosen["heat_map"].write_text(drawn)
    if form in ("text", "json"):
        _show_plainly(report, form, chosen["out"])
        return
    from kiban.audit.reports import FORMATS as WRITERS

    text = WRITERS[form](report)
    if chosen["out"]:
        chosen["out"].write_text(text)
    else:
        sys.stdout.write(text)


def _show_plainly(report: "Report", form: str, out: Path | None) -> None:
    if form == "json":
        data = {
            "findings": [one.as_data() for one in report.results],
            "problems": [one.as_data() for one in report.problems],
            "counts": {status.value: count for status, count in report.counted().items()},
            "objects": dict(report.objects),
        }
        if out:
            import orjson

            out.write_bytes(orjson.dumps(data, option=orjson.OPT_INDENT_2))
        else:
            show_json(data)
        return
    lines = [*_summaries(report)]
    if out:
        problems = [str(one) for one in (*_told(report), *report.problems)]
        out.write_text("\n".join([*lines, *problems]) + "\n")
        return
    for line in lines:
        click.echo(line)
    show_problems(_told(report))
    show_problems(report.problems)


def _told(report: "Report") -> list["Problem"]:
    """What stands, with the reason and the way out of each rule told once."""
    told = []
    rules = set()
    for one in report.standing:
        problem = one.as_problem()
        if one.finding.rule in rules:
            problem = replace(problem, why="", fix="")
        rules.add(one.finding.rule)
        told.append(problem)
    return told


def _summaries(report: "Report") -> list[str]:
    """One line for each environment, directory or cluster."""
    from kiban.audit import Severity
    from kiban.audit.results import Status, by_scope

    lines = []
    scopes = by_scope(report.results)
    for scope, count in report.objects.items():
        results = scopes.get(scope, [])
        standing = [one.finding.severity for one in results if one.counts]
        said = _counted(len(standing), "finding") if standing else "no findings"
        others = {
            status: sum(one.status is status for one in results)
            for status in (Status.WAIVED, Status.KNOWN, Status.UNKNOWN)
        }
        rest = "".join(f", {number} {status.value}" for status, number in others.items() if number)
        kinds = ", ".join(
            _counted(standing.count(severity), severity.name.lower())
            if severity is not Severity.ADVICE
            else f"{standing.count(severity)} advice"
            for severity in reversed(Severity)
            if severity in standing
        )
        where = f"{_counted(count, 'object')}{f' ({kinds})' if kinds else ''}"
        lines.append(f"{scope or 'manifests'}: {said} in {where}{rest}")
    return lines or ["no manifests found"]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def explain_rule(name: str) -> None:
    from kiban.audit import BY_NAME
    from kiban.audit.checking import unknown_rule
    from kiban.audit.other_tools import rules_called
    from kiban.primitives.problems import KibanError

    rule = BY_NAME.get(name.removeprefix("audit/"))
    if rule is None and (called := rules_called(name)):
        click.echo(f"{name} of another tool is {', '.join(called)} here\n")
        rule = BY_NAME[called[0]]
    if rule is None:
        raise KibanError(unknown_rule(name))
    note = ", asked only when checks.yaml names it" if rule.optional else ""
    click.echo(f"{rule.name} ({rule.severity.name.lower()}{note})")
    click.echo(f"  why: {rule.why}")
    click.echo(f"  fix: {rule.fix}")
    if rule.mend is not None:
        click.echo(f"  kiban check --fix{' --risky' if rule.mend.risky else ''} solves it")
    click.echo("  such as:")
    for line in rule.example.splitlines():
        click.echo(f"    {line}".rstrip())
