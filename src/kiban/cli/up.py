"""`kiban up` and `kiban down`: the platform from a Git repository to real traffic, and its end."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from kiban.cli.shown import json_option, show_json


@click.command("up", epilog="Example: kiban up --env dev --detach --until ready")
@click.argument("repo", default=".")
@click.option("--env", "-e", "environments", multiple=True, metavar="ENV", help="Again for more.")
@click.option("--branch", default="", help="The branch to follow; the one checked out unless told.")
@click.option("--context", default="", help="Deliver to this context of a kubeconfig instead.")
@click.option("--detach", is_flag=True, help="Return, and leave it running.")
@click.option("--until", type=click.Choice(["ready"]), help="End when everything is ready.")
@click.option("--timeout", default="3m", show_default=True, help="How long ready may take.")
@click.option("--modelled", is_flag=True, help="Run images the store does not hold as a model.")
@click.option("--allow-delete", is_flag=True, help="Let the first commit delete most of what runs.")
@click.option(
    "--dashboard", default="8090", show_default=True, metavar="PORT", help="Its port, or none."
)
@click.option("--tour", is_flag=True, help="Show on the example what holds and what it costs.")
@json_option
def up_command(
    repo: str,
    environments: tuple[str, ...],
    branch: str,
    context: str,
    detach: bool,
    until: str | None,
    timeout: str,
    modelled: bool,
    allow_delete: bool,
    dashboard: str,
    tour: bool,
    as_json: bool,
) -> None:
    """Bring the platform of REPO up, and follow its Git repository until Ctrl-C.

    REPO is a directory or a URL. Every new commit is compiled, checked and delivered; what does
    not pass leaves the last good state running.
    """
    from kiban.cli.catalogue import catalogue
    from kiban.cli.dashboard import port_of
    from kiban.cli.screen import Lines, LiveTree
    from kiban.primitives.instants import parse_span
    from kiban.wiring.dashboard import DashboardWish
    from kiban.wiring.event_loop import run
    from kiban.wiring.up import UpWish, run_up

    wish = UpWish(
        repo, environments, branch, context, modelled, allow_delete, until is not None,
        parse_span(timeout), DashboardWish(port_of(dashboard), {} if detach else catalogue()),
    )  # fmt: skip
    if detach:
        from kiban.wiring.up import up_detached

        found = up_detached(wish)
        if as_json:
            show_json(found)
        else:
            _tell(found)
        return
    interactive = sys.stdout.isatty() and not as_json
    screen = LiveTree() if interactive else Lines()
    then = None
    if tour:
        from kiban.wiring.tour import ENVIRONMENTS, tour_of

        wish = replace(wish, environments=environments or ENVIRONMENTS)
        then = tour_of(Path("build/tour.json"), stay=sys.stdin.isatty() and interactive)
    with screen:
        code = run(run_up(wish, screen, then, show_json if as_json else None))
    raise click.exceptions.Exit(int(code))


def _tell(found: dict[str, object]) -> None:
    ready = "is ready" if found["ready"] else "is coming up; see kiban status"
    click.echo(f"{found['platform']} {ready} (process {found['pid']})")
    for address in list(found["addresses"]):  # type: ignore[call-overload]
        click.echo(f"  {address}")
    if found.get("dashboard"):
        click.echo(f"  {found['dashboard']} is the dashboard; kiban dashboard opens it")


@click.command("down", epilog="Example: kiban down")
@click.argument("repo", default=".")
def down_command(repo: str) -> None:
    """Stop what `kiban up` started in REPO, and every process of it. What it stored is kept."""
    from kiban.wiring.processes import stop
    from kiban.wiring.repository import home_of

    click.echo(stop(home_of(repo).state))
