"""What people may do, as one catalogue: the command line runs it, the dashboard offers it.

The words and parameters of an action come from its command; what it needs of a person, and how it
is seen before it is done, is decided here once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

# read: look; release: say what runs; approve: say yes for others; operate: act on what runs;
# local: for whoever sits at the machine, never offered to a browser.
Verb = Literal["read", "release", "approve", "operate", "local"]


@dataclass(frozen=True, slots=True)
class Right:
    """`environments` names the parameters that say where an action acts; `preview` are the
    arguments that have it only say what it would do."""

    verb: Verb
    environments: tuple[str, ...] = ("environment",)
    preview: tuple[str, ...] = ()


RIGHTS: Mapping[str, Right] = {
    "check": Right("read"),
    "plan": Right("read"),
    "explain": Right("read"),
    "status": Right("read"),
    "diff": Right("read"),
    "history": Right("read"),
    "audit-log": Right("read"),
    "figures": Right("read"),
    "logs": Right("read"),
    "events": Right("read"),
    "rehearse": Right("read"),
    "release": Right("release", preview=("--dry-run",)),
    "rollback": Right("release", preview=("--dry-run",)),
    "promote": Right("release", ("target",), ("--dry-run",)),
    "approve": Right("approve"),
    "quarantine": Right("operate", ()),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an action: an argument by its place, or an option by its flag."""

    name: str
    words: str = ""
    flag: str = ""
    required: bool = False
    repeated: bool = False
    switch: bool = False
    choices: tuple[str, ...] = ()
    default: str = ""

    def as_data(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "words": self.words,
            "flag": self.flag,
            "required": self.required,
            "repeated": self.repeated,
            "switch": self.switch,
            "choices": list(self.choices),
            "default": self.default,
        }


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that people may do. `name` is the command's words: `quarantine add`."""

    name: str
    words: str
    parameters: Sequence[Parameter]
    example: str = ""

    @property
    def right(self) -> Right:
        """What is not in the table is for whoever sits at the machine."""
        return RIGHTS.get(self.name) or RIGHTS.get(self.name.partition(" ")[0]) or Right("local")

    def as_data(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "words": self.words,
            "verb": self.right.verb,
            "environments": list(self.right.environments),
            "previews": bool(self.right.preview),
            "example": self.example,
            "parameters": [parameter.as_data() for parameter in self.parameters],
        }


def arguments_of(action: Action, values: Mapping[str, Any]) -> list[str]:
    """The words of the command line that carry these values. Raises `ValueError` for a value that
    is missing, unknown, or could be taken for an option."""
    unknown = sorted(values.keys() - {parameter.name for parameter in action.parameters})
    if unknown:
        raise ValueError(f"{action.name} has no parameter {', '.join(unknown)}")
    options: list[str] = []
    places: list[str] = []
    for parameter in action.parameters:
        given = _given(parameter, values.get(parameter.name))
        if parameter.flag and parameter.switch:
            options += [parameter.flag] if given else []
        elif parameter.flag:
            # Joined, so that a value beginning with a dash stays a value.
            options += [
                f"{parameter.flag}={each}" if parameter.flag.startswith("--") else each
                for each in given
            ]
        else:
            places += given
    return [*action.name.split(" "), *options, *(["--", *places] if places else [])]


def _given(parameter: Parameter, value: Any) -> list[str]:
    if value is None or value is False or value in ("", []):
        if parameter.required:
            raise ValueError(f"{parameter.name} is missing")
        return []
    values = value if isinstance(value, list) else [value]
    if len(values) > 1 and not parameter.repeated:
        raise ValueError(f"{parameter.name} takes one value")
    texts = [str(each) for each in values]
    for text in texts:
        if parameter.choices and text not in parameter.choices:
            raise ValueError(f"{parameter.name} is one of {', '.join(parameter.choices)}")
        if "\0" in text or "\n" in text:
            raise ValueError(f"{parameter.name} must be one line")
    return texts


def environments_of(action: Action, values: Mapping[str, Any]) -> list[str]:
    """Where an action with these values acts; empty when it names no environment."""
    found: dict[str, None] = {}
    for name in action.right.environments:
        value = values.get(name)
        for each in value if isinstance(value, list) else [value]:
            if each:
                found[str(each)] = None
    return list(found)
