"""`kiban compile`: the platform repo as manifests, on standard output, as files, or in the form
that Argo CD or Flux deliver."""

from pathlib import Path

import click

from kiban.cli.shown import environment_option


@click.command("compile", epilog="Example: kiban compile --env prod --out build/prod")
@environment_option
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write files to DIR.")
@click.option("--local", is_flag=True, help="As for the embedded cluster, with local resources.")
@click.option(
    "--for",
    "form",
    type=click.Choice(["argocd", "flux"]),
    help="With the Applications of Argo CD, or the Kustomizations of Flux.",
)
@click.option("--branch", default="", help="Commit to BRANCH; {environment} is filled in.")
@click.option("--url", default="", help="The repository that will be read; origin by default.")
@click.option("--folder", default="", help="Where in it the files of --out will lie.")
def compile_command(
    environment: str | None,
    out: Path | None,
    local: bool,
    form: str | None,
    branch: str,
    url: str,
    folder: str,
) -> None:
    """Compile the platform repo into manifests.

    Without --env, every environment. The same files give the same bytes on any machine, so what
    is exported twice is no change.
    """
    from kiban.compiler import render
    from kiban.primitives.canonical import yaml_documents
    from kiban.wiring.compiling import (
        Export,
        bundles_here,
        exported,
        publish_branches,
        write_files,
    )

    if form is None and (branch or url or folder):
        raise click.UsageError("--branch, --url and --folder need --for argocd or --for flux")
    here = Path.cwd()
    bundles = bundles_here(here, environment, local=local)
    if form is not None:
        export = Export(form, url, branch, folder)
        if out is None and branch:
            for line in publish_branches(here, bundles, export):
                click.echo(line)
            return
        files = exported(here, bundles, export)
    elif out is None:
        click.echo(
            yaml_documents([item for bundle in bundles for item in bundle.manifests]), nl=False
        )
        return
    else:
        files = {path: text for bundle in bundles for path, text in render(bundle).items()}
    if out is None:
        raise click.UsageError("say --out DIR or --branch BRANCH")
    touched = write_files(out, files)
    click.echo(f"{len(files)} files below {out}, {touched} of them changed")
