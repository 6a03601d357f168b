"""Directories as a team keeps them to documents: plain files, a kustomization, a chart."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kiban.adapters.sources import tools
from kiban.adapters.sources.rendering import MANIFESTS, read_all
from kiban.kube.documents import Document, read_documents
from kiban.kube.plain_yaml import repeated_keys
from kiban.primitives.problems import Place

# A document that means to be an object: `kind` stands at the beginning of a line.
_KIND = re.compile(rb"^kind\s*:", re.MULTILINE)
_YAML = (".yaml", ".yml")
# What Helm, Jinja and their like fill in.
_TEMPLATE = re.compile(rb"\{\{|\{%|<%")


# Files of programs that look like objects, and no API server knows.
_TOOLS = (
    "backstage.io/", "client.authentication.k8s.io/", "ctlptl.dev/", "eksctl.io/", "k3d.io/",
    "kind.x-k8s.io/", "krew.googlecontainertools.github.com/", "kubeadm.k8s.io/", "skaffold/",
    "kubelet.config.k8s.io/", "kubeproxy.config.k8s.io/", "kubescheduler.config.k8s.io/",
    "kustomize.config.k8s.io/",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """The objects in files, the files that hold any, what was read and is no object, and why a
    file, or a part of it, could not be read."""

    documents: list[Document] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)


def read_manifests(files: Mapping[str, bytes]) -> Read:
    """What is in the manifests among files. One that cannot be read does not hide the others."""
    result = Read()
    for path, data in sorted(files.items()):
        if path.endswith(MANIFESTS):
            _read(result, path, data)
    return result


def _read(result: Read, path: str, data: bytes) -> None:
    try:
        found, problems = read_documents(path, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        result.unread[path] = f"it is no UTF-8 text, from byte {error.start} on"
        return
    templates = [one for one in found if "{{" in one.manifest["metadata"]["name"]]
    if templates or (problems and _TEMPLATE.search(data)):
        result.left.append(f"{path}: a template; adopt what is made of it")
        return
    if problems:
        result.unread[path] = f"line {problems[0].place.line}: {problems[0].what}"
    objects = [one for one in found if not one.manifest["apiVersion"].startswith(_TOOLS)]
    result.documents.extend(objects)
    if objects:
        result.files.append(path)
    if objects and path.endswith(_YAML) and not problems:
        result.left.extend(
            f"{path}: line {line}: `{key}` is there twice, and the last one holds"
            for line, key in repeated_keys(data.decode("utf-8-sig"))
        )
    meant, taken = len(_KIND.findall(data)), len({one.line for one in objects})
    if len(objects) < len(found):
        result.left.append(f"{path}: for {found[0].manifest['apiVersion'].partition('/')[0]}")
    elif meant > taken and not problems:
        what = "documents are no objects with a name"
        result.left.append(f"{path}: {meant - taken} of {meant} {what}")
    elif not taken and not problems:
        result.left.append(f"{path}: no object")


def render_kustomization(folder: Path) -> list[Document]:
    """What the real tool makes of a directory, with whatever it refers to."""
    text = tools.run([*tools.kustomize(), "."], folder, Place(str(folder)))
    return read_all({"(rendered)": text})


def render_chart(name: str, folder: Path, namespace: str) -> list[Document]:
    """What Helm makes of a chart with its own values."""
    command = [tools.program("helm"), "template", name, ".", "--include-crds"]
    command += ["--namespace", namespace] if namespace else []
    return read_all({"(rendered)": tools.run(command, folder, Place(str(folder)))})
