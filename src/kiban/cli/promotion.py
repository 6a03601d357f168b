"""`kiban promote`, `kiban approve` and `kiban quarantine`: releases from environment to
environment."""

import click

from kiban.cli.release import pairs
from kiban.cli.shown import json_option, show_json

SIGNS = {"pass": "✓", "fail": "✗", "unknown": "?"}


@click.command("promote", epilog="Example: kiban promote dev stg stamp points")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--dry-run", is_flag=True, help="Only ask the gates.")
@click.option("--pull-request", "by_request", is_flag=True, help="Ask people, by a branch.")
@json_option
def promote_command(
    source: str,
    target: str,
    services: tuple[str, ...],
    dry_run: bool,
    by_request: bool,
    as_json: bool,
) -> None:
    """Copy releases from one environment to the next, by a commit, as far as the gates let them.

    Gates: not quarantined, runs well where it comes from, its metric gates there have passed, has
    soaked, no freeze, approvals. Each is answered pass, fail or unknown, and unknown never passes.

    With --pull-request the commit goes to a branch, and a pull request is opened if GITHUB_TOKEN
    or GITLAB_TOKEN lets us.

    Exits with 3 when a release had to stay.
    """
    from kiban.wiring.promoting import promote

    found = promote(source, target, services, only_look=dry_run, by_request=by_request)
    if as_json:
        show_json(found.as_data())
    elif not found.judged:
        click.echo(f"{target} runs what {source} runs")
    else:
        for each in found.judged:
            one = each.candidate
            before = one.current or "nothing"
            click.echo(f"{one.service}: {before} -> {one.tag}")
            for reading in each.readings:
                click.echo(f"  {SIGNS[reading.answer]} {reading.gate}: {reading.words}")
        if found.commit:
            click.echo(f"promoted by commit {found.commit[:12]}")
        if found.proposed:
            click.echo(found.proposed.words)
    raise click.exceptions.Exit(3 if found.held else 0)


@click.command("approve", epilog="Example: kiban approve stamp=3f2c1a9 --env prod")
@click.argument("releases", nargs=-1, metavar="[SERVICE=TAG]...")
@click.option("--env", "-e", "environment", metavar="ENV", required=True)
@click.option("--deletions", is_flag=True, help="Agree to what the waiting commit deletes.")
def approve_command(releases: tuple[str, ...], environment: str, deletions: bool) -> None:
    """Say yes to releases in an environment that wants approvals, or to deletions that wait for a
    person. The journal keeps who did."""
    if deletions == bool(releases):
        raise click.UsageError("name releases, or say --deletions")
    if deletions:
        from kiban.wiring.deletions import approve_deletions

        for one in approve_deletions(environment):
            count = len(one.objects)
            click.echo(f"{one.who} agreed to {count} deletions of {one.commit[:8]} ({one.subject})")
            for name in one.objects:
                click.echo(f"  - {name}")
        return
    from kiban.wiring.quarantines import approve

    who = approve(pairs(releases), environment)
    click.echo(f"{who} said yes to {', '.join(releases)} in {environment}")


@click.group(
    "quarantine",
    invoke_without_command=True,
    epilog="Example: kiban quarantine add stamp=3f2c1a9 --reason 'loses points'",
)
@json_option
@click.pass_context
def quarantine_command(context: click.Context, as_json: bool) -> None:
    """List images that must not be deployed, or change the list.

    Releases, promotions and deliveries refuse them until a person lifts the quarantine.
    """
    if context.invoked_subcommand is not None:
        return
    from kiban.primitives.instants import rfc3339
    from kiban.wiring.quarantines import quarantined

    held = quarantined()
    if as_json:
        show_json(
            [
                {"service": one.service, "tag": one.tag, "why": one.why, "who": one.who,
                 "since": rfc3339(one.since), "environment": one.environment}
                for one in held.values()
            ]
        )  # fmt: skip
        return
    for one in held.values():
        click.echo(f"{one.service}={one.tag}  {rfc3339(one.since)}  {one.who}: {one.why}")
    if not held:
        click.echo("nothing is quarantined")


reason_option = click.option("--reason", required=True, help="Why; everybody sees it.")


@quarantine_command.command(
    "add", epilog="Example: kiban quarantine add stamp=3f2c1a9 --reason 'loses points'"
)
@click.argument("releases", nargs=-1, required=True, metavar="SERVICE=TAG...")
@reason_option
def add_command(releases: tuple[str, ...], reason: str) -> None:
    """Have images never deployed until somebody lifts it."""
    from kiban.wiring.quarantines import quarantine

    quarantine(pairs(releases), reason)
    click.echo(f"quarantined {', '.join(releases)}")


@quarantine_command.command(
    "lift", epilog="Example: kiban quarantine lift stamp=3f2c1a9 --reason 'it was the database'"
)
@click.argument("releases", nargs=-1, required=True, metavar="SERVICE=TAG...")
@reason_option
def lift_command(releases: tuple[str, ...], reason: str) -> None:
    """Allow images again."""
    from kiban.wiring.quarantines import lift

    lift(pairs(releases), reason)
    click.echo(f"lifted {', '.join(releases)}")
