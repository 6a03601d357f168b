"""Directories as a team keeps them to documents: plain files, a kustomization, a chart."""

import re
from collections.abc import Iterator, Mapping
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
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        result.unread[path] = f"it is no UTF-8 text, from byte {error.start} on"
        return
    found, problems = read_documents(path, text)
    templates = [one for one in found if "{{" in one.manifest["metadata"]["name"]]
    if templates or (problems and _TEMPLATE.search(data)):
        result.left.append(f"{path}: a template; adopt what is made of it")
        return
    faults = [f"line {one.place.line}: {one.what}" for one in problems]
    if faults and "apiVersion" not in text:
        result.left.append(f"{path}: {faults[0]}, and nothing in it looks like an object")
        return
    faults += [f"line {one.line}: {_NO_MAP}" for one in found if not _has_maps(one)]
    objects = [one for one in found if _has_maps(one) and not _is_of_a_tool(one)]
    result.documents.extend(objects)
    if objects:
        result.files.append(path)
    if faults:
        result.unread[path] = faults[0]
        return
    if objects and path.endswith(_YAML):
        result.left.extend(
            f"{path}: line {line}: `{key}` is there twice, and the last one holds"
            for line, key in repeated_keys(text)
        )
    result.left.extend(_no_objects(path, data, found))


_NO_MAP = "its labels or annotations are no map"


def _no_objects(path: str, data: bytes, found: list[Document]) -> Iterator[str]:
    """What there is in a file beside objects."""
    tools_ = {one.manifest["apiVersion"].partition("/")[0]: None for one in found}
    yield from (f"{path}: for {name}" for name in tools_ if f"{name}/".startswith(_TOOLS))
    meant, taken = len(_KIND.findall(data)), len({one.line for one in found})
    if meant > taken:
        yield f"{path}: {meant - taken} of {meant} documents are no objects with a name"
    elif not taken:
        yield f"{path}: no object"


def _is_of_a_tool(document: Document) -> bool:
    version: str = document.manifest["apiVersion"]
    return version.startswith(_TOOLS)


def _has_maps(document: Document) -> bool:
    """Whether its labels and annotations can be read by anybody."""
    metadata = document.manifest["metadata"]
    return all(isinstance(metadata.get(part) or {}, dict) for part in ("labels", "annotations"))


def render_kustomization(folder: Path) -> list[Document]:
    """What the real tool makes of a directory, with whatever it refers to."""
    text = tools.run([*tools.kustomize(), "."], folder, Place(str(folder)))
    return read_all({"(rendered)": text})


def render_chart(name: str, folder: Path, namespace: str) -> list[Document]:
    """What Helm makes of a chart with its own values."""
    command = [tools.program("helm"), "template", name, ".", "--include-crds"]
    command += ["--namespace", namespace] if namespace else []
    return read_all({"(rendered)": tools.run(command, folder, Place(str(folder)))})
