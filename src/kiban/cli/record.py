"""`kiban history`, `kiban audit-log` and `kiban figures`: what was done, by whom, and how well."""

import csv
import sys

import click

from kiban.cli.shown import json_option, show_json

environment_option = click.option("--env", "-e", "environment", metavar="ENV", help="One only.")
service_option = click.option("--service", metavar="NAME", help="Only what touched it.")
team_option = click.option("--team", metavar="NAME", help="Only what touched its services.")
HISTORY_COLUMNS = (
    "subject", "commit", "author", "message", "began", "committed", "ended", "outcome", "attempts",
    "rolled_back", "reason", "leadSeconds", "services", "planned", "hash",
)  # fmt: skip
SIGNS = {"delivered": "✓", "failing": "✗", "running": "…", "superseded": "-"}


@click.command("history", epilog="Example: kiban history --env prod --limit 5")
@environment_option
@service_option
@team_option
@click.option("--limit", default=20, show_default=True, help="The newest so many.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@json_option
def history_command(
    environment: str | None,
    service: str | None,
    team: str | None,
    limit: int,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List deployments: which commit went where, how it ended, how long it took."""
    from kiban.primitives.instants import rfc3339, seconds_between, span
    from kiban.wiring.record import Choice, chosen

    found = chosen(Choice(environment, service, team))[-limit:]
    if as_json:
        show_json([_plain(each) for each in found])
        return
    if as_csv:
        rows = [_row(each) for each in found]
        csv_writer = csv.DictWriter(sys.stdout, HISTORY_COLUMNS, extrasaction="ignore")
        csv_writer.writeheader()
        csv_writer.writerows(rows)
        return
    for each in found:
        took = span(round(seconds_between(each.began, each.ended))) if each.ended else ""
        taken_back = "  (rolled back)" if each.rolled_back else ""
        taken_back += "  (not as planned)" if each.planned not in ("", each.hash) else ""
        line = (
            f"{SIGNS[each.outcome]} {rfc3339(each.began)}  {each.subject}  {each.commit[:8]}  "
            f"{each.outcome}{taken_back} {took}  {each.author}: {each.title}"
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


@click.command("figures", epilog="Example: kiban figures --since 90d --team payments")
@environment_option
@service_option
@team_option
@click.option("--since", default="30d", show_default=True, metavar="SPAN", help="How far back.")
@json_option
def figures_command(
    environment: str | None, service: str | None, team: str | None, since: str, as_json: bool
) -> None:
    """Compute deployment frequency, lead time, change failure rate and time to restore.

    From the journal alone: the same journal gives the same figures.
    """
    from kiban.primitives.instants import rfc3339
    from kiban.wiring.record import Choice, figures

    span, lines = figures(_seconds(since), Choice(environment, service, team))
    if as_json:
        show_json(
            {
                "since": rfc3339(span.since),
                "until": rfc3339(span.until),
                "figures": [line.as_data() for line in lines],
            }
        )
        return
    rows = [("environment", "delivered", "a day", "lead time", "failed", "restored in")]
    rows += [
        (
            line.subject or "all",
            str(line.delivered),
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


def _row(each: object) -> dict[str, object]:
    """As a line of a table: lists as words, no maps."""
    data = _plain(each)
    return {**data, "services": " ".join(data["services"])}  # type: ignore[arg-type]


def _plain(each: object) -> dict[str, object]:
    from dataclasses import asdict

    from kiban.primitives.instants import rfc3339
    from kiban.telemetry import Deployment

    assert isinstance(each, Deployment)
    data = asdict(each) | {"leadSeconds": each.lead_seconds, "isRollback": each.is_rollback}
    for name in ("began", "committed", "ended", "first_failure"):
        data[name] = rfc3339(data[name]) if data[name] is not None else None
    return data
