"""`kiban build`: a service's source at a commit, as an image of the embedded cluster."""

import click

from kiban.cli.shown import json_option, show_json


@click.command(
    "build",
    epilog="Example: kiban build stamp && kiban release stamp=$(git rev-parse --short=12 HEAD)",
)
@click.argument("services", nargs=-1)
@click.option(
    "--commit", default="", help="The commit to build; the tip of the branch unless told."
)
@click.option("--tag", default="", help="The tag; the commit unless told.")
@click.option(
    "--print",
    "is_printed",
    is_flag=True,
    help="Print what a pipeline tells Docker; build nothing.",
)
@json_option
def build_command(
    services: tuple[str, ...], commit: str, tag: str, is_printed: bool, as_json: bool
) -> None:
    """Snapshot the source of SERVICES into the local image store, tagged with the commit.

    Without names, every service that says where its source is. The same source gives the same
    image, whoever builds it.
    """
    from kiban.wiring.release import build, build_commands

    if is_printed:
        commands = build_commands(services, commit, tag)
        show_json(commands) if as_json else click.echo("\n".join(commands))
        return
    found = build(services, commit, tag)
    if as_json:
        show_json([{"image": image.reference, "digest": image.digest} for image in found])
        return
    for image in found:
        click.echo(f"{image.reference}  {image.digest[:19]}")
