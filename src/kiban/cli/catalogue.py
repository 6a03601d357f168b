"""The command line as a catalogue of actions, so that other faces offer the very same."""

from typing import Any

import click

from kiban.operations.catalogue import Action, Parameter


def catalogue() -> dict[str, Action]:
    """Every command by its words, with its parameters as they are declared."""
    from kiban.cli.main import commands

    context = click.Context(commands)
    found: dict[str, Action] = {}
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        if isinstance(command, click.Group):
            for part, each in command.commands.items():
                found[f"{name} {part}"] = _action(f"{name} {part}", each)
        elif command is not None:
            found[name] = _action(name, command)
    return found


def _action(name: str, command: click.Command) -> Action:
    words = (command.help or "").strip().partition("\n")[0]
    parameters = [
        _parameter(each)
        for each in command.params
        if not (isinstance(each, click.Option) and (each.hidden or each.name == "as_json"))
    ]
    return Action(name, words, parameters, (command.epilog or "").removeprefix("Example: "))


def _parameter(each: click.Parameter) -> Parameter:
    option = each if isinstance(each, click.Option) else None
    choices = tuple(map(str, each.type.choices)) if isinstance(each.type, click.Choice) else ()
    return Parameter(
        name=each.name or "",
        words=(option.help or "") if option else _meta(each),
        flag=_flag(option) if option else "",
        required=each.required,
        repeated=each.nargs == -1 or each.multiple,
        switch=bool(option and option.is_flag),
        choices=choices,
        default=_default(each.default),
    )


def _flag(option: click.Option) -> str:
    return next((name for name in option.opts if name.startswith("--")), option.opts[0])


def _meta(argument: click.Parameter) -> str:
    return argument.metavar or (argument.name or "").upper()


def _default(value: Any) -> str:
    return (
        ""
        if value in (None, False, ()) or callable(value) or not isinstance(value, str | int | float)
        else str(value)
    )
