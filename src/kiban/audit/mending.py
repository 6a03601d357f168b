"""Solving findings where they were written: the text of a manifest, or of the service that it was
compiled from.

Only what cannot be meant otherwise is changed; each change is one edit that leaves the rest of
the text as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kiban.audit.findings import Finding, Mend
from kiban.audit.results import Change
from kiban.audit.rules import BY_NAME
from kiban.kube.documents import Document, read_documents
from kiban.kube.objects import key_of
from kiban.kube.paths import steps_of
from kiban.kube.positions import Edit, edit_of
from kiban.primitives.located import plain
from kiban.spec.reading import read_yaml

# Some editors begin a file with it; no position counts it.
_MARK = "\ufeff"


def mend_of(finding: Finding, *, risky: bool = True) -> Mend | None:
    """How a machine may solve it, if need be at a risk; None where people must."""
    mend = BY_NAME[finding.rule].mend if finding.rule in BY_NAME else None
    return mend if mend is None or risky or not mend.risky else None


def edit_for(finding: Finding, document: Document) -> Edit | None:
    """The edit of its document that solves a finding."""
    mend = mend_of(finding)
    if mend is None or not finding.path:
        return None
    own = finding.value is not None
    value = finding.value if own else mend.value
    return edit_of(document, steps_of(finding.path), value, remove=mend.remove and not own)


def change_of(edit: Edit, document: Document) -> Change:
    """An edit by lines and columns of the file."""

    def place(index: int) -> tuple[int, int]:
        before = document.text[:index]
        column = index - (before.rfind("\n") + 1) + 1
        return document.line + before.count("\n"), column

    return Change(document.file, place(edit.start), place(edit.end), edit.text)


def mended(text: str, file: str, findings: Iterable[Finding]) -> tuple[str, list[Finding]]:
    """The text of a file without the findings that could be solved, and those that were."""
    if text.startswith(_MARK):
        rest, solved = mended(text.removeprefix(_MARK), file, findings)
        return _MARK + rest, solved
    documents, _ = read_documents(file, text)
    by_key = {key_of(one.manifest): one for one in documents}
    # The items of a list stand in one text, so what was changed for one is there for the next.
    changed = {one.line: one.text for one in documents}
    solved = []
    for finding in findings:
        document = by_key.get(finding.object)
        if document is None:
            continue
        document = replace(document, text=changed[document.line])
        edit = edit_for(finding, document)
        if edit is not None:
            changed[document.line] = edit.applied(document.text)
            solved.append(finding)
    return _joined(text, {one.line: one.text for one in documents}, changed), solved


def _joined(text: str, before: Mapping[int, str], after: Mapping[int, str]) -> str:
    """The text with some of its documents, by their first lines, replaced."""
    lines = text.split("\n")
    found, position, line = [], 0, 1
    for start in sorted(before):
        position += sum(len(one) + 1 for one in lines[line - 1 : start - 1])
        line = start
        found.append((position, start))
    for position, start in reversed(found):
        text = text[:position] + after[start] + text[position + len(before[start]) :]
    return text


def mended_spec(text: str, file: str, environment: str, mend: Mend) -> str | None:
    """A service file in which a field has the value that a rule asks for: in the environment when
    it is said there, and else for all. None when it cannot be changed safely."""
    parsed = _service(file, text)
    if parsed is None or not mend.field:
        return None
    steps = steps_of(mend.field)
    local = ("environments", environment, *steps)
    for path in (local, steps):
        for where in _said(parsed.manifest, path):
            edit = edit_of(parsed, where, mend.field_value, remove=mend.field_value is None)
            if edit is not None:
                return edit.applied(text)
    if mend.field_value is None:
        return None
    edit = edit_of(parsed, steps, mend.field_value)
    return edit.applied(text) if edit is not None else None


def _said(tree: Mapping[str, object], path: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Where a file says a field: at its path, or by a short form above it."""
    node: object = tree
    for index, step in enumerate(path):
        if not isinstance(node, dict) or step not in node:
            return []
        node = node[step]
        if not isinstance(node, dict) and index + 1 < len(path):
            return [path[: index + 1]]
    return [path]


def _service(file: str, text: str) -> Document | None:
    """A service file as if it were a manifest, for its text to be edited."""
    tree, problems = read_yaml(file, text)
    if tree is None or problems or not isinstance(tree.value, dict):
        return None
    return Document(plain(tree), file, 1, text)
