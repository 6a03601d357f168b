"""`kiban backup` and `kiban restore`: what is not in Git, in one file and back."""

from pathlib import Path

import click

from kiban.cli.shown import json_option, show_json, show_problems


@click.command("backup", epilog="Example: kiban backup shop-2026-11-21.backup")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def backup_command(file: Path, as_json: bool) -> None:
    """Write all that is not in Git to a new FILE: the journal with its quarantines, approvals and
    fencing tokens.

    While everything runs. An existing file is never overwritten; the new one is read through
    before this ends. For the objects of an embedded cluster: kiban cluster backup.
    """
    from kiban.wiring.backups import backed_up

    journal, contents, told = backed_up(file)
    if as_json:
        data = {"file": str(file), "journal": journal, "sha256": contents.checksum}
        show_json(data | told.as_data())
        return
    click.echo(f"{file} holds {_words(told.as_data())}")


@click.command("restore", epilog="Example: kiban restore --drill shop-2026-11-21.backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--drill",
    "only_drill",
    is_flag=True,
    help="Prove it: restore into a scratch cluster, deliver, compare, remove.",
)
@json_option
def restore_command(file: Path, only_drill: bool, as_json: bool) -> None:
    """Fill the journal here from a backup, into a file or a PostgreSQL database alike.

    Nothing is overwritten: a journal that holds anything is refused. KIBAN_JOURNAL says where
    the journal is. With --drill nothing here is touched; exits with 1 when the drill finds that
    what ran last could not be brought back.
    """
    if only_drill:
        raise click.exceptions.Exit(_drilled(file, as_json))
    from kiban.wiring.backups import restored

    journal, told = restored(file)
    if as_json:
        show_json({"file": str(file), "journal": journal} | told.as_data())
        return
    click.echo(f"{journal} holds {_words(told.as_data())}")


def _drilled(file: Path, as_json: bool) -> int:
    from kiban.wiring.drilling import drill

    found = drill(file, lambda line: None if as_json else click.echo(line))
    if as_json:
        show_json(found.as_data())
        return 0 if found.is_good else 1
    click.echo(f"the backup holds {_words(found.told.as_data())}")
    for each in found.environments:
        sign = "✓" if each.is_good else "✗"
        what = f"{each.objects} objects, {len(each.different)} not as Git wants them"
        click.echo(f"{sign} {each.environment} at {each.commit[:8]}: {what}, {each.seconds:.1f} s")
        for name in each.different:
            click.echo(f"    {name}")
        show_problems(each.problems)
    if not found.environments:
        click.echo("nothing was ever delivered, so nothing was delivered now")
    return 0 if found.is_good else 1


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
