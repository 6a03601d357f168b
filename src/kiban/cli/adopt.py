"""`kiban adopt`: the way in for manifests that exist."""

from pathlib import Path

import click

from kiban.cli.shown import json_option, show_json


@click.command("adopt", epilog="Example: kiban adopt legacy/dev legacy/stg legacy/prod --out shop")
@click.argument("directories", metavar="[ENV=]DIR...", nargs=-1, required=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the repo.")
@click.option("--name", default="", help="The platform's name; the directory's by default.")
@click.option("--namespace", default="", help="Where objects live that name no namespace.")
@click.option("--accept", "accepted", multiple=True, metavar="NAME", help="Accept a difference.")
@click.option("--with-secrets", is_flag=True, help="Copy Secrets in clear, as they are none.")
@click.option("--plan", "as_plan", is_flag=True, help="Say which pods a take-over would restart.")
@json_option
def adopt_command(
    directories: tuple[str, ...],
    out: Path | None,
    name: str,
    namespace: str,
    accepted: tuple[str, ...],
    with_secrets: bool,
    as_plan: bool,
    as_json: bool,
) -> None:
    """Make a platform repo of what a team has: one directory of manifests for each environment, in
    the order of promotion; plain YAML or JSON, a kustomization, or a chart.

    Every object is compiled back and compared with the original by meaning. What differs is
    listed, and nothing is written until it is accepted by its name.

    Exits with 1 while a difference is not accepted.
    """
    from kiban.adopt import as_data, as_text
    from kiban.adopt.report import plan_text
    from kiban.wiring.adopting import Wish, adopt, write_repository

    found = adopt(
        Wish(directories, name or (out.resolve().name if out else ""), namespace, with_secrets)
    )
    standing = found.proof.standing(accepted)
    if out is not None and not standing:
        write_repository(out, found.files)
    if as_json:
        show_json(as_data(found, accepted))
    else:
        click.echo(plan_text(found) if as_plan else as_text(found, accepted), nl=False)
        if out is not None:
            click.echo(f"wrote {len(found.files)} files below {out}" if not standing else _NOT_YET)
    raise click.exceptions.Exit(1 if standing else 0)


_NOT_YET = "nothing is written: accept each difference with --accept NAME, or all with --accept all"
