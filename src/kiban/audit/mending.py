"""Solving findings where they were written: the text of a manifest, or of the service that it was
compiled from.

Only what cannot be meant otherwise is changed; each change is one edit that leaves the rest of
the text as it is.
"""

from collections.abc import Iterable, Mapping

from kiban.audit.findings import Finding, Mend
from kiban.audit.results import Change
from kiban.audit.rules import BY_NAME
from kiban.kube.documents import Document, read_documents
from kiban.kube.objects import Key, key_of
from kiban.kube.paths import steps_of
from kiban.kube.positions import Edit, edit_of
from kiban.primitives.located import plain
from kiban.spec.reading import read_yaml


def mend_of(finding: Finding) -> Mend | None:
    """How a machine may solve it; None where people must."""
    return BY_NAME[finding.rule].mend if finding.rule in BY_NAME else None


def edit_for(finding: Finding, document: Document) -> Edit | None:
    """The edit of its document that solves a finding."""
    mend = mend_of(finding)
    if mend is None or not finding.path:
        return None
    return edit_of(document, steps_of(finding.path), mend.value, remove=mend.remove)


def change_of(edit: Edit, document: Document) -> Change:
    """An edit by lines and columns of the file."""

    def place(index: int) -> tuple[int, int]:
        before = document.text[:index]
        column = index - (before.rfind("\n") + 1) + 1
        return document.line + before.count("\n"), column

    return Change(document.file, place(edit.start), place(edit.end), edit.text)


def mended(text: str, file: str, findings: Iterable[Finding]) -> tuple[str, list[Finding]]:
    """The text of a file without the findings that could be solved, and those that were.

    One after the other, because every edit moves what follows it.
    """
    solved = []
    for finding in findings:
        documents, _ = read_documents(file, text)
        document = _of(documents, finding.object)
        edit = edit_for(finding, document) if document is not None else None
        if document is None or edit is None:
            continue
        start = _offset(text, document)
        text = text[:start] + edit.applied(document.text) + text[start + len(document.text) :]
        solved.append(finding)
    return text, solved


def _of(documents: Iterable[Document], key: Key) -> Document | None:
    return next((one for one in documents if key_of(one.manifest) == key), None)


def _offset(text: str, document: Document) -> int:
    position = 0
    for _ in range(document.line - 1):
        position = text.index("\n", position) + 1
    return position


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
