"""Opens a Secret that SOPS has encrypted, by the real `sops` with whatever keys it finds. The text
in clear goes through a pipe into memory and is written nowhere."""

from pathlib import Path

import orjson

from kiban.adapters.sources import tools
from kiban.kube.objects import Manifest
from kiban.primitives.problems import KibanError, Place, Problem


def open_sealed(text: str) -> Manifest:
    """The Secret in clear. Raises `KibanError`, which says nothing of its content."""
    form = "json" if text.lstrip().startswith("{") else "yaml"
    command = [tools.program("sops"), "--decrypt", "--input-type", form, "--output-type", "json"]
    printed = tools.run([*command, "/dev/stdin"], Path.cwd(), Place(thing="a Secret"), given=text)
    try:
        opened: Manifest = orjson.loads(printed)
        if opened["kind"] == "Secret" and opened["metadata"]["name"]:
            return opened
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise KibanError(Problem("secrets/no-secret", "what `sops` opened is not a Secret"))
