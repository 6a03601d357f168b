"""What a Dockerfile says about how its image runs: CMD, ENTRYPOINT, ENV and WORKDIR of one of its
stages, with those of the stages it is built on and with build arguments filled in. Everything
else in it is for builders and ignored here.

Source: the Dockerfile reference (which instructions replace variables, and how).
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class ImageDefaults:
    """How a container of an image runs when the pod does not say."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_dir: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


# `\$x` is no variable.
_VARIABLE = re.compile(r"(?<!\\)\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})")


@dataclass(slots=True)
class _Reading:
    """What is known while reading: finished stages by name, the arguments of the present one."""

    given: Mapping[str, str]
    stages: dict[str, ImageDefaults] = field(default_factory=dict)
    name: str = ""
    number: int = -1
    found: ImageDefaults = field(default_factory=ImageDefaults)
    # Arguments before the first stage hold for FROM, and for stages that name them again.
    outside: dict[str, str] = field(default_factory=dict)
    inside: dict[str, str] = field(default_factory=dict)

    def read(self, instruction: str, rest: str) -> None:
        match instruction:
            case "FROM":
                self._begin(rest)
            case "ARG":
                self._argument(rest)
            case "CMD":
                self.found = replace(self.found, command=_words(rest))
            case "ENTRYPOINT":
                self.found = replace(self.found, entrypoint=_words(rest), command=())
            case "WORKDIR":
                folder = self._filled(rest)
                base = "" if folder.startswith("/") else f"{self.found.working_dir}/"
                self.found = replace(self.found, working_dir=f"{base}{folder}")
            case "ENV":
                variables = _variables(self._filled(rest))
                self.found = replace(self.found, env={**self.found.env, **variables})
        if self.number >= 0:
            self.stages |= {self.name: self.found, str(self.number): self.found}

    def _begin(self, rest: str) -> None:
        words = [word for word in self._filled(rest).split() if not word.startswith("--")]
        base = words[0].lower() if words else ""
        self.found = self.stages.get(base, ImageDefaults())
        self.name = words[2].lower() if len(words) > 2 and words[1].lower() == "as" else ""
        self.number += 1
        self.inside = {}

    def _argument(self, rest: str) -> None:
        arguments = self.inside if self.stages else self.outside
        for word in _split(rest):
            name, given, value = word.partition("=")
            usual = self._filled(value) if given else self.outside.get(name, "")
            arguments[name] = self.given.get(name, usual)

    def _filled(self, text: str) -> str:
        known = {**(self.inside if self.stages else self.outside), **self.found.env}
        return _VARIABLE.sub(lambda match: _value(match, known), text)


def _value(match: re.Match[str], known: Mapping[str, str]) -> str:
    bare, braced, sign, other = match.groups()
    value = known.get(bare or braced, "")
    if sign == "+":
        return other if value else ""
    return value or (other if sign == "-" else "")


def read_dockerfile(
    text: str, target: str = "", arguments: Mapping[str, str] | None = None
) -> ImageDefaults:
    """The defaults of a stage, by name or number; of the last one by default. The shell forms run
    in `/bin/sh -c`. A stage that is not there has none."""
    reading = _Reading(arguments or {})
    for line in re.sub(r"\\\s*\n", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        reading.read(word.upper(), rest.strip())
    if not target:
        return reading.found
    return reading.stages.get(target.lower(), ImageDefaults())


def _split(rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError:
        return []


def _words(rest: str) -> tuple[str, ...]:
    try:
        words = json.loads(rest)
    except ValueError:
        return ("/bin/sh", "-c", rest)
    return tuple(str(word) for word in words)


def _variables(rest: str) -> dict[str, str]:
    words = _split(rest)
    if words and "=" not in words[0]:
        return {words[0]: rest.partition(" ")[2].strip()}
    return {name: value for name, _, value in (word.partition("=") for word in words)}
