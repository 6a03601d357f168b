"""`kiban diff`: what a sync would change, or what differs between two environments."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kiban.cli.shown import json_option, show_json

if TYPE_CHECKING:
    from kiban.compiler.environments import Change


@click.command("diff", epilog="Example: kiban diff --env dev --env prod")
@click.option(
    "--env", "-e", "environments", metavar="ENV", multiple=True, help="One, or two to compare."
)
@click.option("--context", default="", help="A context of your kubeconfig.")
@click.option("--commit", default="", help="The commit; the tip of the branch unless told.")
@click.option("--manifests", is_flag=True, help="Of two environments, also compare the objects.")
@json_option
@click.pass_context
def diff_command(
    ctx: click.Context,
    environments: tuple[str, ...],
    context: str,
    commit: str,
    manifests: bool,
    as_json: bool,
) -> None:
    """Show what a sync would change, field by field; or, of two environments, what people say
    differently about them and, with --manifests, what it compiles to. Exits with 1 when there is
    something."""
    if len(environments) > 2:
        raise click.UsageError("--env is given once or twice")
    if len(environments) < 2:
        from kiban.cli.status import diff_command as of_sync

        one = environments[0] if environments else None
        ctx.invoke(of_sync, environment=one, context=context, commit=commit, as_json=as_json)
        return
    said, compiled = _compared(*environments, objects=manifests or as_json)
    if as_json:
        show_json(
            {
                "spec": [change.as_data() for change in said],
                "manifests": [change.as_data() for change in compiled],
            }
        )
    else:
        _show(said)
        if manifests:
            click.echo()
            _show(compiled)
    raise click.exceptions.Exit(1 if said or compiled else 0)


def _compared(first: str, second: str, *, objects: bool) -> "tuple[list[Change], list[Change]]":
    from kiban.compiler.environments import manifest_changes, spec_changes
    from kiban.spec import load_platform, read_directory
    from kiban.wiring.places import find_platform
    from kiban.wiring.sources import compiled, renderer_of_directory

    directory = find_platform(Path.cwd())
    platform = load_platform(read_directory(directory))
    for name in (first, second):
        platform.environment(name)
    said = spec_changes(platform, first, second)
    if not objects:
        return said, []
    renderer = renderer_of_directory(directory)
    bundles = [compiled(platform, name, renderer) for name in (first, second)]
    return said, manifest_changes(bundles[0], bundles[1])


def _show(changes: "list[Change]") -> None:
    """One block for each service or object."""
    thing = ""
    for change in changes:
        if change.thing != thing:
            thing = change.thing
            click.echo(thing)
        where = f"  ({change.place})" if change.place else ""
        click.echo(f"  {change.path}: {_text(change.before)} -> {_text(change.after)}{where}")
    if not changes:
        click.echo("no difference")


def _text(value: object) -> str:
    from kiban.primitives.canonical import one_line
    from kiban.primitives.differences import MISSING

    if value is MISSING or value is None:
        return "-"
    text = one_line(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
