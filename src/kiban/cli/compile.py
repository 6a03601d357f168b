"""`kiban compile`: the platform repo as manifests, on standard output or as files."""

from pathlib import Path

import click

from kiban.cli.shown import environment_option


@click.command("compile", epilog="Example: kiban compile --env prod --out build/prod")
@environment_option
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write files to DIR.")
@click.option("--local", is_flag=True, help="As for the embedded cluster, with local resources.")
def compile_command(environment: str | None, out: Path | None, local: bool) -> None:
    """Compile the platform repo into manifests.

    Without --env, every environment. The same files give the same bytes on any machine.
    """
    from kiban.compiler import compile_environment, render
    from kiban.primitives.canonical import yaml_documents
    from kiban.wiring.repository import platform_here

    platform = platform_here()
    names = [environment] if environment else list(platform.environments)
    bundles = [
        compile_environment(platform, name, cluster=cluster, local=local)
        for name in names
        for cluster in (platform.clusters_of(name)[:1] if local else platform.clusters_of(name))
        or (None,)
    ]
    if out is None:
        click.echo(
            yaml_documents([item for bundle in bundles for item in bundle.manifests]), nl=False
        )
        return
    count = 0
    for bundle in bundles:
        for path, text in render(bundle).items():
            target = out / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            count += 1
    click.echo(f"wrote {count} files below {out}")
