"""`kiban release` and `kiban rollback`: which image a service runs, changed by a commit."""

from typing import TYPE_CHECKING

import click

from kiban.cli.shown import environment_option, json_option, show_json
from kiban.primitives.problems import Exit, KibanError, Problem

if TYPE_CHECKING:
    from kiban.wiring.release import Released

dry_run_option = click.option("--dry-run", is_flag=True, help="Only show what it would do.")


@click.command("release", epilog="Example: kiban release stamp=3f2c1a9 --env dev")
@click.argument("releases", nargs=-1, metavar="SERVICE=TAG...")
@environment_option
@click.option("--repo", default="", metavar="URL", help="The platform repo, without a checkout.")
@click.option(
    "--branch", default="", metavar="BRANCH", help="Run them beside the services for a while."
)
@click.option("--for", "span", default="7d", show_default=True, metavar="SPAN", help="How long.")
@click.option("--instead", is_flag=True, help="Run them instead of the services.")
@click.option("--end", is_flag=True, help="End what a branch runs.")
@dry_run_option
@json_option
def release_command(
    releases: tuple[str, ...],
    environment: str | None,
    repo: str,
    branch: str,
    span: str,
    instead: bool,
    end: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run another image of a service: edit one line of releases/ENV.yaml and commit it.

    Nothing is committed when the tag is what runs already, so a pipeline may say it twice, and
    many pipelines may say it at the same time. With --repo no checkout is needed.

    With --branch the images run beside the services, under names and hosts of the branch's own,
    until they expire.
    """
    if (branch == "" and (end or instead)) or (end == bool(releases)):
        raise click.UsageError("Name SERVICE=TAG, or --branch BRANCH --end.")
    if dry_run and (branch or repo):
        raise click.UsageError("--dry-run looks at the environments of the repo that is here.")
    tags = pairs(releases)
    if branch:
        from kiban.primitives.instants import parse_span
        from kiban.wiring.branching import BranchWish, release_branch

        try:
            seconds = parse_span(span)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--for") from None
        wish = BranchWish(branch, seconds, instead)
        _tell(release_branch(tags, environment, wish, repo).as_data(), as_json)
        return
    from kiban.wiring.release import release

    found = release(tags, environment, repo, only_look=dry_run)
    _foretell(found, as_json) if dry_run else _tell(found.as_data(), as_json)


@click.command("rollback", epilog="Example: kiban rollback stamp --env prod")
@click.argument("service")
@environment_option
@click.option("--to", default="", metavar="TAG", help="The tag; the last good one unless told.")
@dry_run_option
@json_option
def rollback_command(
    service: str, environment: str | None, to: str, dry_run: bool, as_json: bool
) -> None:
    """Return a service to the last release that is known to have run well, by a commit."""
    from kiban.wiring.release import rollback

    found = rollback(service, environment, to, only_look=dry_run)
    _foretell(found, as_json) if dry_run else _tell(found.as_data(), as_json)


def pairs(releases: tuple[str, ...]) -> dict[str, str]:
    """Services and tags from `SERVICE=TAG` words. Raises `KibanError` for what is none."""
    found = {}
    for text in releases:
        service, equals, tag = text.partition("=")
        if not (service and equals and tag):
            raise KibanError(
                Problem(
                    "release/not-a-pair",
                    f"{text!r} does not name a service and a tag",
                    fix="write it like stamp=3f2c1a9",
                ),
                Exit.USAGE,
            )
        found[service] = tag
    return found


def _foretell(wanted: "Released", as_json: bool) -> None:
    """Say what a release would do."""
    from kiban.delivery.planning.text import text
    from kiban.wiring.release import foreseen

    proposal = foreseen(wanted)
    if as_json:
        show_json({**wanted.as_data(), "plan": proposal.as_data()})
        return
    for service, tag in wanted.tags.items():
        click.echo(f"{service} = {tag} in {wanted.environment} would be committed")
    click.echo(text(proposal), nl=False)


def _tell(data: dict[str, object], as_json: bool) -> None:
    if as_json:
        show_json(data)
        return
    releases = data["releases"]
    assert isinstance(releases, dict)
    if not releases:
        click.echo(f"ended in {data['environment']}, commit {str(data['commit'])[:12]}")
    for service, tag in releases.items():
        click.echo(f"{service} = {tag} in {data['environment']}, commit {str(data['commit'])[:12]}")
