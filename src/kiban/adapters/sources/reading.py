"""Directories as a team keeps them to documents: plain files, a kustomization, a chart."""

from collections.abc import Mapping
from pathlib import Path

from kiban.adapters.sources import tools
from kiban.adapters.sources.rendering import MANIFESTS, read_all
from kiban.kube.documents import Document
from kiban.primitives.problems import Place


def read_manifests(files: Mapping[str, bytes]) -> tuple[list[Document], list[str]]:
    """The objects in files, and the files that hold any. Raises all problems at once."""
    texts = {path: data for path, data in files.items() if path.endswith(MANIFESTS)}
    documents = read_all(texts)
    return documents, list(dict.fromkeys(document.file for document in documents))


def render_kustomization(folder: Path) -> list[Document]:
    """What the real tool makes of a directory, with whatever it refers to."""
    text = tools.run([*tools.kustomize(), "."], folder, Place(str(folder)))
    return read_all({"(rendered)": text})


def render_chart(name: str, folder: Path, namespace: str) -> list[Document]:
    """What Helm makes of a chart with its own values."""
    command = [tools.program("helm"), "template", name, ".", "--include-crds"]
    command += ["--namespace", namespace] if namespace else []
    return read_all({"(rendered)": tools.run(command, folder, Place(str(folder)))})
