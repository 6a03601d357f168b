"""Write docs/reference/rehearsal-file.md from the models of rehearsal.yaml.

python scripts/write_rehearsal_reference.py
"""

import sys
from pathlib import Path

from pydantic import BaseModel

sys.path.insert(0, str(Path(__file__).parent))

from write_spec_reference import about, nested

from kiban.primitives.instants import span
from kiban.rehearsal.guesses import DEPENDENCY_TIMES
from kiban.rehearsal.scenarios.named import TEXT
from kiban.rehearsal.scenarios.words import BESIDES, VERBS, ActWords, ScenarioWords
from kiban.rehearsal.wording import RehearsalWords

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "rehearsal-file.md"
OPENING = """\
# The file rehearsal.yaml

Made from the models by `scripts/write_rehearsal_reference.py`. The file is optional, and so is \
every field in it: what it does not say is measured, or assumed from the spec, and every report \
lists which. It stands beside platform.yaml; no other command reads it. What the words mean to the \
model is in [rehearsal.md](rehearsal.md).

```yaml
services:
  stamp: {peak: 400/s, time: 20ms, cpu: 5ms, workers: 8, start: 8s, calls: {points: 2}}
  notify: {takes: {stamp: 1}}
metrics:
  queue_length: {service: notify, figure: backlog, every: 60s, late: 10m}
environments:
  stg: {services: {stamp: {peak: 20/s}}}
```
"""
SCENARIOS = """\
## Scenarios

`kiban rehearse zone-loss` plays one by name, `kiban rehearse day zone-loss deploy` several as \
one: all acts at their times of day, of every expectation the strictest, of error budgets the most \
generous. One of rehearsal.yaml counts before one of everybody's with its name. These everybody \
has:

```yaml
{text}```
"""


def page() -> str:
    """The whole page."""
    parts = [OPENING, table(RehearsalWords)]
    parts += [section(model) for model in nested(RehearsalWords)]
    times = ", ".join(f"{kind} {span(time)}" for kind, time in DEPENDENCY_TIMES.items())
    parts.append(f"Without a word the mean times of dependencies are: {times}.\n")
    parts.append(SCENARIOS.format(text=TEXT))
    parts += [table(ScenarioWords), *(section(model) for model in nested(ScenarioWords))]
    parts.append(verbs())
    return "\n".join(parts)


def section(model: type[BaseModel]) -> str:
    name = model.__name__.removesuffix("Words")
    return f"### {name}\n\n{about(model)}\n\n{table(model)}"


def table(model: type[BaseModel]) -> str:
    """One row a field."""
    rows = ["| field | meaning |", "|---|---|"]
    for name, field in model.model_fields.items():
        rows.append(f"| `{field.alias or name}` | {field.description or ''} |")
    return "\n".join(rows) + "\n"


def verbs() -> str:
    """What may stand beside each verb."""
    rows = ["### Verbs\n", "Beside `at` and `for` an act has one verb, and may have:\n"]
    for verb in VERBS:
        beside = ", ".join(f"`{word(name)}`" for name in BESIDES.get(verb, ()))
        rows.append(f"- `{word(verb)}`" + (f": {beside}" if beside else ""))
    return "\n".join(rows) + "\n"


def word(field: str) -> str:
    return ActWords.model_fields[field].alias or field


if __name__ == "__main__":
    PAGE.write_text(page())
