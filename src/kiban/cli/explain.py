"""`kiban explain`: where a value comes from, layer by layer."""

import click

from kiban.cli.shown import environment_option, json_option, show_json


@click.command("explain", epilog="Example: kiban explain stamp.scale.max --env prod")
@click.argument("path")
@environment_option
@json_option
def explain_command(path: str, environment: str | None, as_json: bool) -> None:
    """Say where the value at PATH comes from: every layer that set it, the last one wins."""
    from kiban.spec import explain
    from kiban.wiring.repository import platform_here

    chain = explain(platform_here(), path, environment)
    if as_json:
        show_json(
            [{"layer": item.layer, "place": str(item.place), "value": item.value} for item in chain]
        )
        return
    for item in chain:
        where = f"  ({item.place})" if str(item.place) else ""
        click.echo(f"{item.layer}: {item.value}{where}")
    if not chain:
        click.echo(f"nobody sets {path}")
