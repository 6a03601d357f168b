"""`kiban adopt`: the way in for manifests that exist."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kiban.cli.shown import json_option, show_json

if TYPE_CHECKING:
    from kiban.adopt import Adoption
    from kiban.adopt.descriptions import Translation


@click.command("adopt", epilog="Example: kiban adopt legacy/dev legacy/stg legacy/prod --out shop")
@click.argument("directories", metavar="[ENV=]DIR...", nargs=-1, required=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the repo.")
@click.option("--name", default="", help="The platform's name; the directory's by default.")
@click.option("--namespace", default="", help="Where objects live that name no namespace.")
@click.option("--accept", "accepted", multiple=True, metavar="NAME", help="Accept a difference.")
@click.option("--with-secrets", is_flag=True, help="Copy Secrets in clear, as they are none.")
@click.option("--plan", "as_plan", is_flag=True, help="Say which pods a take-over would restart.")
@click.option("--context", default="", help="With --plan: compare with what runs there.")
@json_option
def adopt_command(
    directories: tuple[str, ...],
    out: Path | None,
    name: str,
    namespace: str,
    accepted: tuple[str, ...],
    with_secrets: bool,
    as_plan: bool,
    context: str,
    as_json: bool,
) -> None:
    """Make a platform repo of what a team has: one directory of manifests for each environment, in
    the order of promotion; plain YAML or JSON, a kustomization, a chart, AWS Copilot, Compose.

    Every object is compiled back and compared with the original by meaning. What differs is
    listed, and nothing is written until it is accepted by its name.

    Exits with 1 while a difference is not accepted.
    """
    from kiban.adopt import as_data, as_text, plan_text
    from kiban.wiring.adopting import Wish, adopt, environment_name, translate, write_repository

    platform = name or (environment_name(out.resolve().name) if out else "")
    wish = Wish(directories, platform, namespace, with_secrets)
    if translation := translate(wish):
        _show_translation(translation, out, accepted, as_json)
    found = adopt(wish)
    standing = found.proof.standing(accepted)
    if out is not None and not standing:
        write_repository(out, found.files)
    if context:
        _show_take_over(found, context, as_json)
    elif as_json:
        show_json(as_data(found, accepted))
    else:
        click.echo(plan_text(found) if as_plan else as_text(found, accepted), nl=False)
        _say_written(out, len(found.files), is_written=not standing)
    raise click.exceptions.Exit(1 if standing else 0)


def _show_take_over(found: "Adoption", context: str, as_json: bool) -> None:
    import asyncio

    from kiban.adopt.report import take_over_text
    from kiban.wiring.adopting import take_over

    seen = asyncio.run(take_over(found, context))
    if as_json:
        restarts = [
            {"object": f"{one.object}@{one.environment}", "why": list(one.why)}
            for one in seen.restarts
        ]
        show_json({"kept": seen.kept, "restarts": restarts, "absent": list(seen.absent)})
    else:
        click.echo(take_over_text(seen.kept, seen.restarts, seen.absent), nl=False)


def _show_translation(
    found: "Translation", out: Path | None, accepted: tuple[str, ...], as_json: bool
) -> None:
    from kiban.adopt.report import translation_data, translation_text
    from kiban.wiring.adopting import write_repository

    standing = found.standing(accepted)
    if out is not None and not standing:
        write_repository(out, found.files)
    if as_json:
        show_json(translation_data(found, accepted))
    else:
        click.echo(translation_text(found, accepted), nl=False)
        _say_written(out, len(found.files), is_written=not standing)
    raise click.exceptions.Exit(1 if standing else 0)


def _say_written(out: Path | None, count: int, *, is_written: bool) -> None:
    if out is None:
        return
    if not is_written:
        click.echo(f"\n{_NOT_YET}")
        return
    click.echo(
        f"\nwrote {count} files below {out}; next: commit them to Git, and there: kiban check"
    )


_NOT_YET = "Nothing is written: accept each difference with --accept NAME, or all by --accept all."
