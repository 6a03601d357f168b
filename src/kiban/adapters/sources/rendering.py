"""Sources to objects, by the real tools, each input rendered once.

What comes out is kept under the digest of what went in (files, values, program), so that a commit
that touches one source renders that one.
"""

import posixpath
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kiban.adapters.sources import inputs, tools
from kiban.adapters.sources.trees import Tree, content_digest
from kiban.compiler.overlays import overlaid
from kiban.compiler.rendered import Rendered, SealedSecret
from kiban.kube.documents import Document, read_documents
from kiban.kube.objects import Manifest
from kiban.primitives.canonical import canonical_json
from kiban.primitives.problems import KibanError, Place, Problem
from kiban.spec import Platform
from kiban.spec.sourcing import Source

MANIFESTS = (".yaml", ".yml", ".json")
ENVIRONMENTS = "environments"
# The key under which SOPS keeps what it needs to open a file.
SOPS_FIELD = "sops"


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders the sources of one tree of files. `cache` is where results are kept; it may be
    removed at any time."""

    tree: Tree
    cache: Path

    def rendered(self, platform: Platform, environment: str, cluster: str) -> Rendered:
        """Everything that an environment gets beside its services. Raises all problems at once."""
        words = {"environment": environment, "cluster": cluster, "platform": platform.name}
        found: dict[str, tuple[Manifest, ...]] = {}
        problems: list[Problem] = []
        for name, declared in sorted(platform.spec.sources.items()):
            source = declared.within(environment)
            if source is None:
                continue
            try:
                found[name] = self._source(name, source, words)
            except KibanError as error:
                problems += error.problems
        sealed: list[Document] = []
        secrets = platform.secrets_of(environment)
        if secrets.by in ("sops", "sealed-secrets"):
            folder = _filled(secrets.path, words)
            try:
                sealed = self._documents(self.tree.under(folder))
            except KibanError as error:
                problems += error.problems
        if problems:
            raise KibanError(problems)
        opened = [one for one in sealed if SOPS_FIELD in one.manifest]
        return Rendered(
            sources=found,
            sealed=tuple(SealedSecret(one.manifest, one.text, one.file) for one in opened),
            secrets=tuple(one.manifest for one in sealed if SOPS_FIELD not in one.manifest),
        )

    def _source(self, name: str, source: Source, words: Mapping[str, str]) -> tuple[Manifest, ...]:
        place = Place("platform.yaml", thing=f"source {name}")
        if source.chart is not None:
            return self._chart(name, source, words, place)
        if source.path is None:
            what, fix = f"the source {name!r} has no path", "add `path: directory`"
            raise KibanError(Problem("sources/no-path", what, place, fix=fix))
        folder = _filled(source.path, words)
        if not self.tree.under(folder):
            what = f"there is nothing at {folder!r} for the source {name!r}"
            fix = "correct the path, or leave the environment out by `only`"
            raise KibanError(Problem("sources/no-files", what, place, fix=fix))
        if inputs.is_kustomized(self.tree, folder):
            files = self.tree.read(inputs.kustomize_inputs(self.tree, folder))
            return self._run([*tools.kustomize(), folder], files, place)
        if inputs.is_chart(self.tree, folder):
            return self._chart(name, source, words, place)
        return self._plain(folder, words["environment"])

    def _plain(self, folder: str, environment: str) -> tuple[Manifest, ...]:
        special = posixpath.join(folder, ENVIRONMENTS)
        own = posixpath.join(special, environment)
        everything = self.tree.under(folder)
        common = [path for path in everything if not path.startswith(f"{special}/")]
        return overlaid(
            [one.manifest for one in self._documents(common)],
            [one.manifest for one in self._documents(self.tree.under(own))],
        )

    def _documents(self, paths: list[str]) -> list[Document]:
        files = self.tree.read(path for path in paths if path.endswith(MANIFESTS))
        return read_all(files)

    def _chart(
        self, name: str, source: Source, words: Mapping[str, str], place: Place
    ) -> tuple[Manifest, ...]:
        folder = _filled(source.path, words) if source.path else ""
        values = [_filled(path, words) for path in source.values]
        files = self.tree.read([*(self.tree.under(folder) if folder else ()), *values])
        command = [tools.program("helm"), "template", source.release or name, folder]
        if source.chart is not None:
            if source.version is None:
                what = f"the chart of the source {name!r} has no version"
                fix = "add `version`, or what is delivered changes without a commit"
                raise KibanError(Problem("sources/no-version", what, place, fix=fix))
            command[-1:] = [source.chart, "--version", source.version]
            command += ["--repo", source.repository] if source.repository else []
        command += ["--include-crds", "--namespace", source.namespace or "default"]
        for path in values:
            command += ["--values", path]
        given = ""
        if source.set:
            command += ["--values", "-"]
            given = canonical_json(source.set).decode()
        return self._run(command, files, place, given)

    def _run(
        self, command: list[str], files: Mapping[str, bytes], place: Place, given: str = ""
    ) -> tuple[Manifest, ...]:
        name = content_digest(files, tools.signature(command), given)
        kept = self.cache / f"{name}.json"
        if kept.exists():
            manifests: list[Manifest] = orjson.loads(kept.read_bytes())
            return tuple(manifests)
        with tempfile.TemporaryDirectory(prefix="kiban-") as folder:
            for path, data in files.items():
                target = Path(folder) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            text = tools.run(command, Path(folder), place, given=given)
        found = tuple(_kept_as_data(one.manifest) for one in read_all({"(rendered)": text}))
        self._keep(kept, found)
        return found

    def _keep(self, path: Path, found: tuple[Manifest, ...]) -> None:
        """Nothing with values in clear is written to the disk."""
        if any(one["kind"] == "Secret" and _has_values(one) for one in found):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_bytes(orjson.dumps(found))
        new.replace(path)


def read_all(files: Mapping[str, bytes | str]) -> list[Document]:
    """The manifests in files. Raises `KibanError` for what cannot be read."""
    found: list[Document] = []
    problems: list[Problem] = []
    for path in sorted(files):
        data = files[path]
        text = data if isinstance(data, str) else data.decode(errors="replace")
        documents, faults = read_documents(path, text)
        found += documents
        problems += faults
    if problems:
        raise KibanError(problems)
    return found


def _kept_as_data(manifest: Manifest) -> Manifest:
    """As it will be read back from the cache, so that the first time is like all others."""
    same: Manifest = orjson.loads(orjson.dumps(manifest))
    return same


def _has_values(manifest: Mapping[str, Any]) -> bool:
    return any(manifest.get("data") or ()) or any(manifest.get("stringData") or ())


def _filled(path: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        path = path.replace(f"{{{word}}}", value)
    return path
