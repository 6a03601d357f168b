"""Write docs/reference/checks.md from the rules, so that the page cannot say what does not hold.

python scripts/write_checks_reference.py
"""

from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from kiban.audit import GROUPS, RULES, Rule, Settings
from kiban.audit.other_tools import LEFT_OUT, names
from kiban.audit.waivers import WaiverSpec

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "checks.md"
OPENING = """\
# What `kiban check` looks at

Made from the rules by `scripts/write_checks_reference.py`; each example is a test.

`kiban check` asks {count} rules, {optional} of them only when you choose them: of what a \
platform repo compiles to, of manifests in files (`kiban check k8s/`), on standard input \
(`helm template chart | kiban check -`, `kustomize build . | kiban check -`), and of a cluster \
that runs (`kiban check --live`). It judges what Kubernetes would do: a container's setting wins \
over its pod's, an autoscaler's minimum over `replicas`, a limit counts as a request. What cannot \
be told from the manifests at hand is *unknown*: shown, and no failure. Directories that describe \
the same objects, such as one for each environment, are judged apart.

- **error** breaks something, **warning** will; both make the check fail. **advice** counts with \
`--advice`.
- `--fix` solves what is marked so: in the service file when there is one, else in the manifest, \
whose comments, order and line ends stay. What could break a program that works, such as one that \
writes to its root filesystem, is solved with `--fix --risky` only. `--dry-run` shows the changes.
- `--baseline FILE` lets only new findings fail; `--write-baseline FILE` begins one.
- `--format sarif|junit|markdown|html|json` writes for tools and people, `--heat-map FILE` draws \
checks against clusters and teams.
- Directories with a kustomization are judged as Kustomize builds them; charts must be rendered \
first.
- `--kubernetes-version 1.37` asks whether the manifests are ready for it.
- `kiban check --explain RULE` shows one rule of this page.

![The map of examples/legacy: checks against namespaces](../images/check-heat-map.svg)
"""


def page() -> str:
    """The whole page."""
    optional = sum(rule.optional for rule in RULES)
    parts = [OPENING.format(count=len(RULES), optional=optional)]
    parts.append("## waivers.yaml\n\nFindings that are accepted for a while, by name. After its "
                 "last day a waiver fails, and so does one that accepts nothing.\n")  # fmt: skip
    parts.append(table(WaiverSpec))
    parts.append("## checks.yaml\n\nWhat you decided, beside platform.yaml or what is checked. "
                 "What platform.yaml says about a cluster need not be repeated.\n")  # fmt: skip
    parts.append(table(Settings))
    for name, rules in GROUPS.items():
        parts.append(f"## {name}\n")
        parts += [section(rule) for rule in rules]
    parts.append(other_names())
    return "\n".join(parts)


def other_names() -> str:
    """What other tools call the same, and what of theirs is left out."""
    lines = [
        "## Coming from another tool\n",
        "`kiban check --explain` understands these names, too.\n",
        "| tool | its check | rules |",
        "|---|---|---|",
    ]
    for tool, checks in names().items():
        for name, rules in checks.items():
            lines.append(f"| {tool} | `{name}` | {', '.join(f'`{one}`' for one in rules)} |")
    lines += ["\nLeft out, and why:\n"]
    lines += [f"- {tool} {name}: {reason}." for (tool, name), reason in LEFT_OUT.items()]
    return "\n".join(lines) + "\n"


def table(model: Any) -> str:
    rows = ["| field | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        value = field.default
        silent = value is PydanticUndefined or value in (None, "")
        default = "" if silent else f"`{value}`"
        rows.append(f"| `{field.alias or name}` | {default} | {field.description or ''} |")
    return "\n".join(rows) + "\n"


def section(rule: Rule) -> str:
    notes = [rule.severity.name.lower()]
    notes += ["asked when chosen"] if rule.optional else []
    notes += [f"`--fix{' --risky' if rule.mend.risky else ''}` solves it"] if rule.mend else []
    return (
        f"### {rule.name}\n\n*{', '.join(notes)}*\n\n{sentence(rule.why)} To solve it, "
        f"{rule.fix}.\n\n```yaml\n{rule.example}```\n"
    )


def sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


if __name__ == "__main__":
    PAGE.write_text(page())
