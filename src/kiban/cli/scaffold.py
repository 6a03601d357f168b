"""`kiban new` and `kiban schema`: a platform repo that comes up, and help for its editors."""

import re
import subprocess
from pathlib import Path

import click

from kiban.cli.shown import show_json
from kiban.primitives.problems import Exit, KibanError, Place, Problem


@click.command("new", epilog="Example: kiban new shop && cd shop && kiban up")
@click.argument("name")
@click.option(
    "--directory", type=click.Path(path_type=Path), help="Where; a folder NAME unless told."
)
def new_command(name: str, directory: Path | None) -> None:
    """Make a platform repo NAME with one small service, committed to Git, that comes up.

    NAME may be a path, whose last part is the platform's name then.
    """
    from kiban.spec import scaffold

    target = directory or Path(name)
    platform = _platform_name(Path(name).name)
    if target.exists() and any(target.iterdir()):
        raise KibanError(
            Problem(
                "new/not-empty",
                f"{target} is there already and not empty",
                Place(file=str(target)),
                fix="choose another name, or an empty --directory",
            ),
            Exit.USAGE,
        )
    for path, text in scaffold(platform).items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(text)
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
        subprocess.run(["git", *_identity(), *arguments], cwd=target, check=True)
    click.echo(f"made {target}; next: cd {target} && kiban up")


def _platform_name(name: str) -> str:
    """The name, if a platform may have it: it is part of host names."""
    from kiban.spec.words import NAME_PATTERN

    if re.fullmatch(NAME_PATTERN, name):
        return name
    raise KibanError(
        Problem(
            "new/name",
            f"a platform cannot be called {name!r}",
            why="its name becomes part of host names: "
            "lower-case letters, digits and hyphens, beginning with a letter",
            fix="choose such a name; --directory says where the repo goes",
        ),
        Exit.USAGE,
    )


def _identity() -> list[str]:
    """Someone to commit as, where Git knows nobody yet."""
    known = subprocess.run(["git", "config", "user.email"], capture_output=True, check=False)
    if known.returncode == 0:
        return []
    return ["-c", "user.name=Kiban", "-c", "user.email=kiban@localhost"]


@click.command("schema", epilog="Example: kiban schema service --out .kiban/service.json")
@click.argument("kind", type=click.Choice(("platform", "service", "release")), required=False)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to FILE.")
def schema_command(kind: str | None, out: Path | None) -> None:
    """Write JSON Schema for editors: of platform.yaml, services or releases, or all in one.

    An editor with the YAML language server completes and checks a service file that begins with
    `# yaml-language-server: $schema=../.kiban/service.json`.
    """
    from kiban.spec import json_schema

    schema = json_schema()
    if kind is not None:
        schema = schema[kind]
    if out is None:
        show_json(schema)
        return
    import orjson

    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    click.echo(f"wrote {out}")
