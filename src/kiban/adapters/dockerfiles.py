"""What a Dockerfile says about how its image runs: the exec forms of CMD and ENTRYPOINT, ENV,
WORKDIR, of its last stage. Everything else in it is for builders and ignored here."""

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


def read_dockerfile(text: str) -> ImageDefaults:
    """The defaults of the last stage. The shell forms run in `/bin/sh -c`."""
    found = ImageDefaults()
    for line in re.sub(r"\\\s*\n", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        found = _after(found, word.upper(), rest.strip())
    return found


def _after(found: ImageDefaults, instruction: str, rest: str) -> ImageDefaults:
    match instruction:
        case "FROM":
            return ImageDefaults()
        case "CMD":
            return replace(found, command=_words(rest))
        case "ENTRYPOINT":
            return replace(found, entrypoint=_words(rest), command=())
        case "WORKDIR":
            base = "" if rest.startswith("/") else f"{found.working_dir}/"
            return replace(found, working_dir=f"{base}{rest}")
        case "ENV":
            return replace(found, env={**found.env, **_variables(rest)})
        case _:
            return found


def _words(rest: str) -> tuple[str, ...]:
    try:
        words = json.loads(rest)
    except ValueError:
        return ("/bin/sh", "-c", rest)
    return tuple(str(word) for word in words)


def _variables(rest: str) -> dict[str, str]:
    try:
        words = shlex.split(rest)
    except ValueError:
        return {}
    if words and "=" not in words[0]:
        return {words[0]: rest.partition(" ")[2].strip()}
    return {name: value for name, _, value in (word.partition("=") for word in words)}
