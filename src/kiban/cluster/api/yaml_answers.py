"""Answers in YAML, in the style of the API server's own encoder: texts stand bare unless a reader
of YAML 1.1 would take them for something else, lines end at 80, keys are sorted.

Source of the rules: sigs.k8s.io/yaml/goyaml.v2/{encode,resolve}.go; the emitter behind both that
and PyYAML is libyaml's.
"""

import re
from functools import cache
from typing import Any

import orjson
import yaml

_STR = "tag:yaml.org,2002:str"
# fmt: off
_WORDS = frozenset((
    "", "~", "null", "Null", "NULL", "<<",
    "y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO",
    "true", "True", "TRUE", "false", "False", "FALSE",
    "on", "On", "ON", "off", "Off", "OFF",
    ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF",
    "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
))
# fmt: on
_NUMBER = re.compile(
    r"[-+]?(\d[\d_]*|0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+)|[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
    r"|[-+]?\d[\d_]*(:[0-5]?\d)+(\.[\d_]*)?"
)
_TIME = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([Tt ].*)?")


def yaml_answer(value: Any) -> bytes:
    """A value as one YAML document."""
    plain = orjson.loads(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    text: bytes = yaml.dump(
        plain, Dumper=_dumper(), encoding="utf-8", allow_unicode=True, sort_keys=False
    )
    return text


def _is_mistakable(text: str) -> bool:
    """Whether bare text would be read as a number, a time, a truth value or nothing."""
    return (
        text in _WORDS or _NUMBER.fullmatch(text) is not None or _TIME.fullmatch(text) is not None
    )


@cache
def _dumper() -> type[Any]:
    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(base):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True

    # With no rules of its own, the emitter quotes only what cannot stand bare.
    Dumper.yaml_implicit_resolvers = {}
    Dumper.add_representer(str, _text)
    for kind, written in _SCALARS.items():
        Dumper.add_representer(kind, _bare(written))
    return Dumper


def _text(dumper: Any, text: str) -> Any:
    style = None
    if _is_mistakable(text):
        style = '"'
    elif "\n" in text:
        style = "|"
    return dumper.represent_scalar(_STR, text, style=style)


_SCALARS: dict[type, Any] = {
    bool: lambda value: "true" if value else "false",
    int: str,
    float: repr,
    type(None): lambda value: "null",
}


def _bare(written: Any) -> Any:
    return lambda dumper, value: dumper.represent_scalar(_STR, written(value))
