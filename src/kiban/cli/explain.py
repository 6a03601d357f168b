"""`kiban explain`: where a value comes from, layer by layer; or what a check is about."""

import click

from kiban.cli.shown import environment_option, json_option, show_json


@click.command("explain", epilog="Example: kiban explain stamp.scale.max --env prod")
@click.argument("path")
@environment_option
@click.option("--cluster", default="", help="On this cluster, where it differs.")
@json_option
def explain_command(path: str, environment: str | None, cluster: str, as_json: bool) -> None:
    """Say where the value at PATH comes from: every layer that set it, the last one wins; maps are
    merged key by key. PATH may also be the name of a check."""
    from kiban.audit import BY_NAME
    from kiban.primitives.canonical import one_line
    from kiban.spec import explain
    from kiban.spec.explaining import effective
    from kiban.wiring.repository import platform_here

    if path.removeprefix("audit/") in BY_NAME:
        from kiban.cli.check import explain_rule

        explain_rule(path)
        return
    platform = platform_here()
    chain = explain(platform, path, environment, cluster)
    holds = effective(platform, path, environment, cluster)
    if as_json:
        show_json(
            [{"layer": item.layer, "place": str(item.place), "value": item.value} for item in chain]
        )
        return
    for item in chain:
        where = f"  ({item.place})" if str(item.place) else ""
        value = "removed" if item.value is None else one_line(item.value)
        click.echo(f"{item.layer}: {value}{where}")
    if not chain:
        click.echo(f"nobody sets {path}")
    elif isinstance(holds, dict) and len(chain) > 1:
        click.echo(f"together: {one_line(holds)}")
