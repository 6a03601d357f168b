"""`kiban plan`: what merging a change would do, for the people who review it."""

from pathlib import Path

import click

from kiban.cli.shown import show_json


@click.command("plan", epilog="Example: kiban plan origin/main..HEAD --format markdown")
@click.argument("span", metavar="[BASE..HEAD]", required=False, default="")
@click.option("--env", "-e", "environment", metavar="ENV", help="One only; all unless told.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    help="For a terminal, for a comment on a pull request, or for machines.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--rehearse", is_flag=True, help="Also rehearse both revisions.")
@click.option(
    "--scenario",
    "scenarios",
    metavar="NAME",
    multiple=True,
    help="What to rehearse; a deploy unless told. Implies --rehearse.",
)
@click.option("--seeds", default=3, show_default=True, help="Dice of the rehearsal.")
def plan_command(
    span: str,
    environment: str | None,
    form: str,
    as_json: bool,
    rehearse: bool,
    scenarios: tuple[str, ...],
    seeds: int,
) -> None:
    """Show what merging would do to every cluster, without asking any.

    Compares HEAD with the commit at which it left BASE. Without HEAD the working tree is meant,
    without BASE the main branch. Values that only write a default down are no change.

    Exits with 1 when the change is no good or would be refused, or when it is rehearsed and an
    expectation no longer holds.
    """
    from kiban.delivery.planning.text import markdown, text
    from kiban.wiring.planning import plan

    found = plan(Path.cwd(), span, environment)
    if rehearse or scenarios:
        from kiban.wiring.rehearsed_plan import with_rehearsal

        found = with_rehearsal(found, Path.cwd(), span, environment or "", scenarios, seeds)
    if as_json or form == "json":
        show_json(found.as_data())
    elif form == "markdown":
        click.echo(markdown(found), nl=False)
    else:
        click.echo(text(found), nl=False)
    raise click.exceptions.Exit(0 if found.is_deliverable else 1)
