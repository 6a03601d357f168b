"""Write docs/reference/spec.md from the models, so that the page cannot say what does not hold.

python scripts/write_spec_reference.py
"""

import inspect
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from kiban.spec.branch_deploy import BranchDeploy
from kiban.spec.field_examples import EXAMPLES
from kiban.spec.nouns import PlatformSpec
from kiban.spec.service import ServiceSpec
from kiban.spec.validation import bare
from kiban.spec.words import as_written

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "spec.md"
FIELDS_PAGE = PAGE.with_name("spec-fields.md")
FIELDS_OPENING = """\
# Every field of a service file, with an example

Made from the models by `scripts/write_spec_reference.py`. Each example is a part of a \
`services/stamp.yaml` that is compiled and checked in the tests. The tables of the parts are in \
[spec.md](spec.md).
"""
OPENING = """\
# The files people write

Made from the models by `scripts/write_spec_reference.py`. [Every field with an \
example](spec-fields.md) is a page of its own, and so is [what other tools call \
it](from-others.md). `kiban schema service --out .kiban/service.json` \
gives the same as JSON Schema: a file that begins with \
`# yaml-language-server: $schema=../.kiban/service.json` is completed and checked by editors. \
`kiban explain stamp.scale.max --env prod` says where a value comes from, `kiban diff --env dev \
--env prod` what differs.

A service file stands in `services/`, or as `kiban.yaml` beside the source of the service. Where \
that is another repository, its pipeline says `kiban publish kiban.yaml --repo URL`.

Every collection is a map keyed by name. A value of a service is what the service says for the \
environment, or else what it says for all, its team's, its environment's, the platform's, or \
Kiban's default, in this order. `null` removes what was inherited; an override that hits nothing \
is a mistake.
"""


def page() -> str:
    """The whole page."""
    parts = [OPENING, "## services/NAME.yaml\n", table(ServiceSpec)]
    parts += [section(model) for model in nested(ServiceSpec)]
    parts += ["## platform.yaml\n", table(PlatformSpec)]
    parts += [section(model) for model in nested(PlatformSpec)]
    parts.append(
        "## releases/ENVIRONMENT.yaml\n\nOne line a service: its name and the image tag it runs "
        "there, like `stamp: 3f2c1a9`. It is the only file that a pipeline edits "
        "(`kiban release stamp=3f2c1a9 --env dev`).\n"
    )
    parts += ["## branches/ENVIRONMENT/BRANCH.yaml\n", f"{about(BranchDeploy)}\n"]
    parts.append(table(BranchDeploy))
    return "\n".join(parts)


def fields_page() -> str:
    """One section a field: what it is, and how it is written."""
    parts = [FIELDS_OPENING]
    for name, field in ServiceSpec.model_fields.items():
        key = field.alias or name
        about_parts = [about(model) for model in models_in(field)]
        # A part that stands for itself says what it is; a map of parts says what it holds.
        is_part = bool(about_parts) and get_origin(bare(field.annotation)) is None
        own = "" if is_part else field.description or ""
        words = " ".join(filter(None, [own, *about_parts]))
        said = default(ServiceSpec, name)
        words += f" By default {said}." if said else ""
        parts.append(f"## {key}\n\n{words.strip()}\n\n```yaml\n{EXAMPLES[key].rstrip()}\n```\n")
    return "\n".join(parts)


def section(model: type[BaseModel]) -> str:
    return f"### {model.__name__}\n\n{about(model)}\n\n{table(model)}"


def table(model: type[BaseModel]) -> str:
    """One row a field."""
    rows = ["| field | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        links = " ".join(f"See [{m.__name__}](#{m.__name__.lower()})." for m in models_in(field))
        words = " ".join(filter(None, [field.description or "", links]))
        rows.append(f"| `{field.alias or name}` | {default(model, name)} | {words} |")
    return "\n".join(rows) + "\n"


def about(model: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(model) or "").split())


def default(model: type[BaseModel], name: str) -> str:
    """As people would write it, with its unit."""
    field = model.model_fields[name]
    value = field.default
    if value is PydanticUndefined or value is None or value in ("", 0, 0.0, False):
        return ""
    shown = as_written(model, field.alias or name, value)
    return f"`{str(shown).lower() if isinstance(shown, bool) else shown}`"


def models_in(field: FieldInfo) -> list[type[BaseModel]]:
    """The models that a field's type mentions."""
    found: list[type[BaseModel]] = []

    def walk(type_: Any) -> None:
        if inspect.isclass(type_) and issubclass(type_, BaseModel):
            found.append(type_)
        for argument in get_args(type_):
            walk(argument)

    walk(field.annotation)
    return found


def nested(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Every model below a model, in the order of their first mention."""
    found: list[type[BaseModel]] = []
    for field in model.model_fields.values():
        for inner in models_in(field):
            for each in (inner, *nested(inner)):
                if each not in found:
                    found.append(each)
    return found


if __name__ == "__main__":
    PAGE.write_text(page())
    FIELDS_PAGE.write_text(fields_page())
