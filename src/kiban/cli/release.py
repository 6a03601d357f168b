"""`kiban release` and `kiban rollback`: which image a service runs, changed by a commit."""

import click

from kiban.cli.shown import environment_option, json_option, show_json
from kiban.primitives.problems import Exit, KibanError, Problem


@click.command("release", epilog="Example: kiban release stamp=3f2c1a9 --env dev")
@click.argument("releases", nargs=-1, required=True, metavar="SERVICE=TAG...")
@environment_option
@json_option
def release_command(releases: tuple[str, ...], environment: str | None, as_json: bool) -> None:
    """Run another image of a service: edit one line of releases/ENV.yaml and commit it.

    Nothing is committed when the tag is what runs already, so a pipeline may say it twice.
    """
    from kiban.wiring.release import release

    found = release(pairs(releases), environment)
    _tell(found.as_data(), as_json)


@click.command("rollback", epilog="Example: kiban rollback stamp --env prod")
@click.argument("service")
@environment_option
@click.option("--to", default="", metavar="TAG", help="The tag; the last good one unless told.")
@json_option
def rollback_command(service: str, environment: str | None, to: str, as_json: bool) -> None:
    """Return a service to the last release that is known to have run well, by a commit."""
    from kiban.wiring.release import rollback

    _tell(rollback(service, environment, to).as_data(), as_json)


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


def _tell(data: dict[str, object], as_json: bool) -> None:
    if as_json:
        show_json(data)
        return
    releases = data["releases"]
    assert isinstance(releases, dict)
    for service, tag in releases.items():
        click.echo(f"{service} = {tag} in {data['environment']}, commit {str(data['commit'])[:12]}")
