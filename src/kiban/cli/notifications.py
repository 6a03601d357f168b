"""`kiban notifications`: who is told what happens, and whether they can be reached."""

import click

from kiban.cli.shown import json_option, show_json


@click.command("notifications", epilog="Example: kiban notifications --test prod-chat")
@click.option("--test", "name", metavar="NAME", help="Send a test message to this one.")
@json_option
def notifications_command(name: str | None, as_json: bool) -> None:
    """List who is told what happens (`notifications` in platform.yaml), and what keeps them from
    it.

    `kiban up` sends; a receiver that is down gets everything in order when it is back. With --test
    a message goes out from here, with the secrets of this shell.
    """
    from kiban.primitives.instants import rfc3339
    from kiban.wiring.heralding import standings, tried

    if name is not None:
        tried(name)
        click.echo(f"{name} took it")
        return
    found = standings()
    if as_json:
        show_json(
            [
                {
                    "name": each.name, "way": each.way, "to": each.to,
                    "last": rfc3339(each.told) if each.told is not None else None,
                    "trouble": each.trouble,
                }
                for each in found
            ]
        )  # fmt: skip
        return
    for each in found:
        last = rfc3339(each.told) if each.told is not None else "nothing yet"
        click.echo(f"{'✗' if each.trouble else '✓'} {each.name}  {each.way} to {each.to}  {last}")
        if each.trouble:
            click.echo(f"    {each.trouble}")
    if not found:
        click.echo("nobody is told anything; see `notifications` in docs/reference/delivery.md")
