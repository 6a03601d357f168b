"""`kiban history`, `kiban audit-log` and `kiban figures`: what was done, by whom, and how well."""

import csv
import sys

import click

from kiban.cli.shown import json_option, show_json

environment_option = click.option("--env", "-e", "environment", metavar="ENV", help="One only.")
SIGNS = {"delivered": "✓", "failing": "✗", "running": "…", "superseded": "-"}


@click.command("history", epilog="Example: kiban history --env prod --limit 5")
@environment_option
@click.option("--limit", default=20, show_default=True, help="The newest so many.")
@json_option
def history_command(environment: str | None, limit: int, as_json: bool) -> None:
    """List deployments: which commit went where, how it ended, how long it took."""
    from kiban.primitives.instants import rfc3339, seconds_between, span
    from kiban.wiring.record import history

    found = history(environment)[-limit:]
    if as_json:
        show_json([_plain(each) for each in found])
        return
    for each in found:
        took = span(round(seconds_between(each.began, each.ended))) if each.ended else ""
        taken_back = "  (rolled back)" if each.rolled_back else ""
        line = (
            f"{SIGNS[each.outcome]} {rfc3339(each.began)}  {each.subject}  {each.commit[:8]}  "
            f"{each.outcome}{taken_back} {took}  {each.author}: {each.message}"
        )
        click.echo(line)
        if each.reason:
            click.echo(f"    {each.reason}")
    if not found:
        click.echo("nothing was delivered yet")


@click.command("audit-log", epilog="Example: kiban audit-log --since 30d --csv > acts.csv")
@click.option("--since", default="7d", show_default=True, metavar="SPAN", help="How far back.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@json_option
def audit_log_command(since: str, as_csv: bool, as_json: bool) -> None:
    """Export every act: who, what, why, from which commit, by which gate.

    JSON is one object a line, so that a log shipper can take it.
    """
    import orjson

    from kiban.telemetry.acts import COLUMNS
    from kiban.wiring.record import record

    found = record(_seconds(since))
    if as_csv:
        writer = csv.DictWriter(sys.stdout, COLUMNS)
        writer.writeheader()
        writer.writerows(act.as_data() for act in found)
        return
    for act in found:
        if as_json:
            click.echo(orjson.dumps(act.as_data()))
            continue
        parts = (act.at, act.who or "kiban", act.what, act.subject, act.result, act.why)
        click.echo("  ".join(part for part in parts if part))


@click.command("figures", epilog="Example: kiban figures --since 90d")
@environment_option
@click.option("--since", default="30d", show_default=True, metavar="SPAN", help="How far back.")
@json_option
def figures_command(environment: str | None, since: str, as_json: bool) -> None:
    """Compute deployment frequency, lead time, change failure rate and time to restore.

    From the journal alone: the same journal gives the same figures.
    """
    from kiban.primitives.instants import rfc3339
    from kiban.wiring.record import figures

    span, lines = figures(_seconds(since), environment)
    if as_json:
        show_json(
            {
                "since": rfc3339(span.since),
                "until": rfc3339(span.until),
                "figures": [line.as_data() for line in lines],
            }
        )
        return
    rows = [("environment", "deployments", "a day", "lead time", "failed", "restored in")]
    rows += [
        (
            line.subject or "all",
            str(line.deployments),
            f"{line.per_day:.2f}",
            _time(line.lead_median),
            "-" if line.failure_rate is None else f"{line.failure_rate:.0%}",
            _time(line.restore_median),
        )
        for line in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _seconds(text: str) -> float:
    from kiban.primitives.instants import parse_span

    try:
        return parse_span(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from error


def _time(seconds: float | None) -> str:
    from kiban.primitives.instants import span

    return "-" if seconds is None else span(round(seconds))


def _plain(each: object) -> dict[str, object]:
    from dataclasses import asdict

    from kiban.primitives.instants import rfc3339
    from kiban.telemetry import Deployment

    assert isinstance(each, Deployment)
    data = asdict(each) | {"leadSeconds": each.lead_seconds, "isRollback": each.is_rollback}
    for name in ("began", "committed", "ended", "first_failure"):
        data[name] = rfc3339(data[name]) if data[name] is not None else None
    return data
