"""`kiban fleet` and `kiban deliver`: one platform on many clusters."""

from typing import TYPE_CHECKING

import click

from kiban.cli.shown import json_option, show_json

if TYPE_CHECKING:
    from kiban.delivery.fleet.status import FleetStatus, MemberStatus

WATCH_SECONDS = 5.0
COLUMNS = ("cluster", "environment", "ring", "runs", "health", "drift", "contact", "")

environments_option = click.option(
    "--env", "-e", "environments", multiple=True, metavar="ENV", help="Again for more; all."
)
clusters_option = click.option(
    "--cluster", "clusters", multiple=True, metavar="NAME", help="Again for more; all."
)


@click.command("fleet", epilog="Example: kiban fleet --env prod --watch")
@environments_option
@clusters_option
@click.option("--watch", is_flag=True, help="Look again and again, until Ctrl-C.")
@json_option
def fleet_command(
    environments: tuple[str, ...], clusters: tuple[str, ...], watch: bool, as_json: bool
) -> None:
    """Show every cluster: what it runs, how well, what drifted, when it last answered.

    Exits with 1 unless all of them are well.
    """
    import asyncio
    import time

    from kiban.wiring.fleet_looking import look_at_fleet
    from kiban.wiring.fleets import FleetWish

    wish = FleetWish(environments=environments, clusters=clusters)
    while True:
        found = asyncio.run(look_at_fleet(wish))
        if as_json:
            show_json(found.as_data())
        else:
            if watch:
                click.clear()
            click.echo("\n".join(_table(found)))
        if not watch:
            break
        time.sleep(WATCH_SECONDS)
    raise click.exceptions.Exit(0 if all(one.health == "well" for one in found) else 1)


@click.command("deliver", epilog="Example: kiban deliver https://git.example.com/shop.git")
@click.argument("repo", default=".")
@environments_option
@clusters_option
@click.option("--branch", default="", help="The branch to follow; the one checked out unless told.")
@click.option("--until", type=click.Choice(["ready"]), help="End when every cluster is well.")
@click.option("--timeout", default="10m", show_default=True, help="How long ready may take.")
@click.option("--allow-delete", is_flag=True, help="Let the first commit delete most of what runs.")
@json_option
def deliver_command(
    repo: str,
    environments: tuple[str, ...],
    clusters: tuple[str, ...],
    branch: str,
    until: str | None,
    timeout: str,
    allow_delete: bool,
    as_json: bool,
) -> None:
    """Deliver the platform of REPO to all clusters that platform.yaml names, until Ctrl-C.

    Each cluster is reached by its own context of a kubeconfig, and gets commits in the order and
    at the pace of its ring.
    """
    from kiban.primitives.instants import parse_span
    from kiban.wiring.event_loop import run
    from kiban.wiring.fleets import FleetWish, run_fleet

    wish = FleetWish(
        repo, environments, clusters, branch, allow_delete, until is not None, parse_span(timeout)
    )
    lines = _Lines(as_json)
    code = run(run_fleet(wish, lines.show))
    if as_json and lines.status is not None:
        show_json(lines.status.as_data())
    raise click.exceptions.Exit(int(code))


class _Lines:
    """A line for every cluster whenever its state changes; as JSON, only where it all ended."""

    def __init__(self, is_silent: bool) -> None:
        self.status: FleetStatus | None = None
        self._is_silent = is_silent
        self._last: dict[str, str] = {}

    def show(self, status: "FleetStatus") -> None:
        self.status = status
        if self._is_silent:
            return
        self._tell("", _headline(status))
        for one in status:
            words = f": {one.words}" if one.words else ""
            line = f"  {one.member.name:<24} {one.held[:8]:<8} {one.health}{words}"
            self._tell(one.member.name, line)

    def _tell(self, about: str, line: str) -> None:
        if self._last.get(about) != line:
            self._last[about] = line
            click.echo(line)


def _headline(status: "FleetStatus") -> str:
    at = f" at {status.commit.short}" if status.commit else ""
    rollout = f", rollout {status.rollout}" if status.rollout else ""
    message = f": {status.message}" if status.message else ""
    return f"{status.subject}{at}{rollout}{message}"


def _table(status: "FleetStatus") -> list[str]:
    order = {name: number for number, name in enumerate(status.rings)}
    members = sorted(status, key=lambda one: (order.get(one.member.ring, -1), one.member.name))
    rows = [COLUMNS, *(_row(one) for one in members)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [_headline(status), *lines]


def _row(one: "MemberStatus") -> tuple[str, ...]:
    age = one.seconds_since_contact
    return (
        one.member.cluster,
        one.member.environment,
        one.member.ring or "-",
        one.report.delivered[:8] or "-",
        one.health,
        "?" if one.drift is None else str(one.drift) if one.drift else "-",
        "never" if age is None else "now" if age < 1 else _age(age),
        one.words,
    )


def _age(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit} ago"
    return f"{int(seconds)}s ago"
