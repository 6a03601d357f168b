"""`kiban publish`: from a service's own repository into the platform's."""

from pathlib import Path

import click

from kiban.cli.shown import json_option, show_json


@click.command("publish", epilog="Example: kiban publish kiban.yaml --repo git@example.com:shop")
@click.argument("file", type=click.Path(path_type=Path), default=Path("kiban.yaml"))
@click.option("--repo", default="", metavar="URL", help="The platform repo; the one of here.")
@json_option
def publish_command(file: Path, repo: str, as_json: bool) -> None:
    """Put the service file of this repository into the platform repo, as one commit.

    A pipeline of the service says it before `kiban release`. Nothing is committed when the
    platform would not load with it, or when nothing changed.
    """
    from kiban.wiring.publishing import publish

    published = publish(file, repo)
    if as_json:
        show_json(published.as_data())
    else:
        click.echo(f"{published.path} is as here, in {published.commit[:12]}")
