"""`kiban check`: what the rules say about what would be delivered."""

from pathlib import Path

import click

from kiban.cli.shown import environment_option, json_option, show_json, show_problems


@click.command("check", epilog="Example: kiban check --env prod")
@environment_option
@json_option
def check_command(environment: str | None, as_json: bool) -> None:
    """Check the compiled manifests of the platform repo, of one environment or of all.

    Exits with 1 when a finding of severity error or warning is not waived in waivers.yaml.
    """
    from kiban.wiring.checking import check_platform

    found = check_platform(Path.cwd(), environment)
    if as_json:
        show_json({name: [item.as_data() for item in items] for name, items in found.items()})
    else:
        for name, items in found.items():
            click.echo(f"{name}: {len(items)} findings" if items else f"{name}: no findings")
            show_problems(items)
    raise click.exceptions.Exit(1 if any(found.values()) else 0)
