"""Directories as a team keeps them to documents: plain files, a kustomization, a chart."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kiban.adapters.sources import tools
from kiban.adapters.sources.rendering import MANIFESTS, read_all
from kiban.kube.documents import Document
from kiban.primitives.problems import Place

# A document that means to be an object: `kind` stands at the beginning of a line.
_KIND = re.compile(rb"^kind\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Read:
    """The objects in files, the files that hold any, and what was read and is no object."""

    documents: list[Document]
    files: list[str]
    left: list[str]


def read_manifests(files: Mapping[str, bytes]) -> Read:
    """What is in the manifests among files. Raises all problems at once."""
    texts = {path: data for path, data in files.items() if path.endswith(MANIFESTS)}
    documents = read_all(texts)
    left = []
    for path, data in texts.items():
        meant = len(_KIND.findall(data))
        taken = len({one.line for one in documents if one.file == path})
        if meant > taken:
            left.append(f"{path}: {meant - taken} of {meant} documents are no objects with a name")
        elif not taken:
            left.append(f"{path}: no object")
    return Read(documents, list(dict.fromkeys(one.file for one in documents)), left)


def render_kustomization(folder: Path) -> list[Document]:
    """What the real tool makes of a directory, with whatever it refers to."""
    text = tools.run([*tools.kustomize(), "."], folder, Place(str(folder)))
    return read_all({"(rendered)": text})


def render_chart(name: str, folder: Path, namespace: str) -> list[Document]:
    """What Helm makes of a chart with its own values."""
    command = [tools.program("helm"), "template", name, ".", "--include-crds"]
    command += ["--namespace", namespace] if namespace else []
    return read_all({"(rendered)": tools.run(command, folder, Place(str(folder)))})
