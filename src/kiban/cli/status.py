"""`kiban status`, `kiban diff`, `kiban logs`, `kiban events`: looking, without touching."""

import asyncio

import click

from kiban.cli.shown import environment_option, json_option, show_json

context_option = click.option(
    "--context", default="", help="A context of a kubeconfig instead of the embedded cluster."
)


@click.command("status", epilog="Example: kiban status --env dev --json")
@environment_option
@context_option
@json_option
def status_command(environment: str | None, context: str, as_json: bool) -> None:
    """Show what runs, from which commit, and what is wrong. Exits with 1 unless all is well."""
    from kiban.cli.screen import Lines
    from kiban.wiring.looking import looking, status_of

    async def look() -> int:
        async with looking(environment, context) as view:
            status = await status_of(view)
        if as_json:
            show_json(status.as_data())
        else:
            Lines(to_standard_output=True).show([status], "")
        return 0 if status.is_ready else 1

    raise click.exceptions.Exit(asyncio.run(look()))


@click.command("diff", epilog="Example: kiban diff --env prod --context my-eks")
@environment_option
@context_option
@click.option("--commit", default="", help="The commit; the tip of the branch unless told.")
@json_option
def diff_command(environment: str | None, context: str, commit: str, as_json: bool) -> None:
    """Show what a sync would change, field by field. Exits with 1 when there is something."""
    from kiban.cli.shown import show_problems
    from kiban.wiring.looking import looking, preview_of

    async def look() -> int:
        async with looking(environment, context) as view:
            found = await preview_of(view, commit)
        if as_json:
            show_json(
                {
                    "changes": [change.as_data() for change in found.changes],
                    "missingSecrets": [str(key) for key in found.missing_secrets],
                    "problems": [problem.as_data() for problem in found.problems],
                }
            )
        else:
            for change in found.changes:
                click.echo("\n".join(change.lines()))
            show_problems(found.problems)
            if not found.changes:
                click.echo("nothing would change")
        return 1 if found.changes or found.problems else 0

    raise click.exceptions.Exit(asyncio.run(look()))


@click.command("logs", epilog="Example: kiban logs stamp -f --env dev")
@click.argument("service")
@environment_option
@context_option
@click.option("--follow", "-f", is_flag=True, help="Go on as lines come.")
@click.option("--tail", type=int, default=None, help="Only the last lines of each pod.")
def logs_command(
    service: str, environment: str | None, context: str, follow: bool, tail: int | None
) -> None:
    """Print the logs of all pods of SERVICE, each line under its pod's name."""
    from kiban.wiring.looking import follow_logs, looking

    async def look() -> None:
        async with looking(environment, context) as view:
            await follow_logs(view, service, follow=follow, tail=tail, say=click.echo)

    asyncio.run(look())


@click.command("events", epilog="Example: kiban events --env dev")
@environment_option
@context_option
@json_option
def events_command(environment: str | None, context: str, as_json: bool) -> None:
    """Print what happened in an environment: the cluster's events and Kiban's own acts."""
    from kiban.wiring.looking import age_of, events_of, looking

    async def look() -> None:
        async with looking(environment, context) as view:
            found = await events_of(view)
        if as_json:
            show_json(found)
            return
        for event in found:
            age = age_of(str(event["at"]))
            click.echo(f"{age:>5}  {event['type']:<8} {event['reason']:<22} {event['object']}")
            click.echo(f"       {event['message']}")

    asyncio.run(look())
