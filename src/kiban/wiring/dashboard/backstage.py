"""What pages ask for beyond the board: the record, objects, logs, reports, and commands to run."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kiban.adapters.git import GitRepository
from kiban.adapters.journal.database import JournalPlace
from kiban.adapters.kubernetes import KubernetesCluster
from kiban.compiler import Bundle
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Listed
from kiban.delivery.preview import needed_lists, preview
from kiban.kube.objects import (
    CONFIG_MAP,
    CRON_JOB,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    HORIZONTAL_POD_AUTOSCALER,
    INGRESS,
    JOB,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    GroupKind,
    Key,
    Manifest,
)
from kiban.kube.ports import ApiError
from kiban.primitives.canonical import yaml_text
from kiban.primitives.problems import KibanError
from kiban.spec import explain, load_platform
from kiban.telemetry import acts, delivery_figures, deployments
from kiban.web.access import Person
from kiban.web.board import SERVICE_LABEL, Board
from kiban.web.pictures.objects import object_tree
from kiban.web.pictures.record import figures_facts, record_page
from kiban.wiring.record import every_entry, window
from kiban.wiring.sources import compiled, renderer_of_commit

FIGURES_SECONDS = 30 * 86400.0
LOG_LINES = 500
# The name of the embedded cluster in the subject of a delivery.
LOCAL = "local"
# A report is a page of some hundred kilobytes; what is larger is none.
REPORT_BYTES = 20_000_000
REPORT_NAME = "report.html"
HIDDEN = "hidden"
# What may belong to a service.
TREE_KINDS: tuple[GroupKind, ...] = (
    DEPLOYMENT,
    STATEFUL_SET,
    REPLICA_SET,
    JOB,
    CRON_JOB,
    POD,
    SERVICE,
    ENDPOINT_SLICE,
    INGRESS,
    NETWORK_POLICY,
    CONFIG_MAP,
    SECRET,
    SERVICE_ACCOUNT,
    PERSISTENT_VOLUME_CLAIM,
    HORIZONTAL_POD_AUTOSCALER,
    POD_DISRUPTION_BUDGET,
)


class Backstage:
    """Answers for the pages; every question is about one platform directory."""

    def __init__(
        self,
        board: Board,
        repository: GitRepository,
        cluster: KubernetesCluster,
        journal: JournalPlace,
        directory: Path,
    ) -> None:
        self._bundle: tuple[tuple[str, str], Bundle] | None = None
        self._board, self._repository, self._cluster = board, repository, cluster
        self._journal, self._directory = journal, directory

    async def record(self, query: Mapping[str, str]) -> dict[str, Any]:
        return await asyncio.to_thread(self._record, query)

    def _record(self, query: Mapping[str, str]) -> dict[str, Any]:
        entries = list(every_entry(self._journal))
        page = record_page(acts(entries), query)
        span = window(FIGURES_SECONDS)
        found = delivery_figures(deployments(entries), span.since, span.until)
        return {**page, "figures": figures_facts(found)}

    async def object(self, environment: str, key: str) -> dict[str, Any] | None:
        """One object as YAML, without what only machines read; a Secret without its values."""
        known = self._board.outline.environments.get(environment)
        wanted = key_from(key)
        if known is None or wanted is None or wanted.namespace not in ("", known.namespace):
            return None
        try:
            found = await self._cluster.get(wanted)
        except ApiError as error:
            return {"key": key, "text": str(error), "changes": []}
        if found is None:
            return None
        changes = await self._changes(environment, wanted)
        return {"key": key, "text": yaml_text(shown(found)), "changes": changes}

    async def tree(self, environment: str, service: str) -> list[dict[str, Any]]:
        """Everything that belongs to a service, as a tree."""
        known = self._board.outline.environments.get(environment)
        if known is None:
            return []

        async def listed(kind: GroupKind) -> list[Manifest]:
            labels = f"{SERVICE_LABEL}={service}"
            try:
                found = await self._cluster.list(kind, namespace=known.namespace, labels=labels)
            except ApiError:
                return []
            return list(found.items)

        lists = await asyncio.gather(*map(listed, TREE_KINDS))
        return object_tree(each for found in lists for each in found)

    async def _changes(self, environment: str, key: Key) -> list[str]:
        """How an object differs from what Git wants, field by field."""
        try:
            bundle = await asyncio.to_thread(self._wanted, environment)
        except KibanError as error:
            return [str(problem) for problem in error.problems]
        scope = self._scope(environment)
        listings = [
            Listed(each, (await self._cluster.list(each.kind, namespace=each.namespace)).items)
            for each in needed_lists(bundle, scope)
            if each.kind == key.group_kind
        ]
        found = preview(bundle, scope, listings).changes
        return [line for change in found if change.key == key for line in change.lines()]

    def _wanted(self, environment: str) -> Bundle:
        """What the newest commit wants; kept until there is another."""
        head = self._repository.head()
        if self._bundle is None or self._bundle[0] != (head, environment):
            platform = load_platform(self._repository.files(head))
            is_local = self._scope(environment).cluster == LOCAL
            renderer = renderer_of_commit(self._repository, head)
            bundle = compiled(platform, environment, renderer, local=is_local)
            self._bundle = ((head, environment), bundle)
        return self._bundle[1]

    def _scope(self, environment: str) -> Scope:
        outline = self._board.outline
        subjects = [status.subject for status in self._board.statuses_of(environment)]
        cluster = subjects[0].partition("@")[2] if subjects else LOCAL
        namespace = outline.environments[environment].namespace
        return Scope(outline.name, environment, cluster, namespace)

    async def explain(self, service: str, environment: str, path: str) -> dict[str, Any]:
        try:
            text = await asyncio.to_thread(self._explain, service, environment, path)
        except KibanError as error:
            text = "\n".join(str(problem) for problem in error.problems)
        return {"text": text}

    def _explain(self, service: str, environment: str, path: str) -> str:
        platform = load_platform(self._repository.files(self._repository.head()))
        if not path:
            spec = platform.services.get(environment, {}).get(service)
            return yaml_text(spec.model_dump(mode="json", exclude_defaults=True)) if spec else ""
        chain = explain(platform, f"{service}.{path}", environment or None)
        lines = [f"{each.layer}: {each.value}  {each.place}".rstrip() for each in chain]
        return "\n".join(lines) or f"nobody sets {path}"

    async def logs(self, environment: str, pod: str, *, previous: bool) -> AsyncIterator[bytes]:
        known = self._board.outline.environments.get(environment)
        if known is None:
            return
        key = Key(*POD, known.namespace, pod)
        try:
            async for piece in self._cluster.logs(
                key, follow=not previous, tail=LOG_LINES, previous=previous
            ):
                yield piece
        except ApiError as error:
            yield f"{error}\n".encode()

    def reports(self) -> list[dict[str, Any]]:
        """The rehearsals whose reports lie here, the newest first."""
        found = [(path.stat().st_mtime, name, path) for name, path in sorted(self._found().items())]
        return [
            {"id": name, "at": _time(at), **_verdict(path.with_name("report.json"))}
            for at, name, path in sorted(found, reverse=True)
        ]

    def report(self, id_: str) -> bytes | None:
        path = self._found().get(id_)
        if path is None or path.stat().st_size > REPORT_BYTES:
            return None
        return path.read_bytes()

    def _found(self) -> dict[str, Path]:
        """By the name of the directory under `build`."""
        return {
            path.parent.name: path
            for path in sorted(self._directory.glob(f"build/*/{REPORT_NAME}"))
        }

    async def run(self, arguments: Sequence[str], person: Person) -> AsyncIterator[dict[str, Any]]:
        """Run a command as the person who asks for it: its output, then its exit code."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "kiban", *arguments),
            cwd=self._directory,
            env={**os.environ, **_known_to_git(person), "NO_COLOR": "1", "COLUMNS": "110"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        try:
            while piece := await process.stdout.read(16384):
                yield {"text": piece.decode(errors="replace")}
            yield {"code": await process.wait()}
        finally:
            # Whoever closes the page has what only looks ended; what acts finishes by itself.
            with suppress(ProcessLookupError):
                if process.returncode is None:
                    process.terminate()


def key_from(text: str) -> Key | None:
    """`Deployment.apps/shop-dev/cart` as the key that it is the text of."""
    kind, *rest = text.split("/")
    if not 1 <= len(rest) <= 2 or not all((kind, *rest)):
        return None
    name, _, group = kind.partition(".")
    return Key(group, name, rest[0] if len(rest) == 2 else "", rest[-1])


def shown(manifest: Manifest) -> Manifest:
    """An object as people read it; the values of a Secret never leave the server."""
    metadata = {
        name: value for name, value in manifest["metadata"].items() if name != "managedFields"
    }
    found = {**manifest, "metadata": metadata}
    if manifest["kind"] == SECRET.kind:
        for part in ("data", "stringData"):
            if part in found:
                found[part] = dict.fromkeys(sorted(found[part]), HIDDEN)
        annotations = metadata.get("annotations", {})
        last = "kubectl.kubernetes.io/last-applied-configuration"
        if last in annotations:
            metadata["annotations"] = {**annotations, last: HIDDEN}
    return found


def _known_to_git(person: Person) -> dict[str, str]:
    """Settings by which commits and the record name the person of the browser."""
    if not person.email:
        return {}
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "user.email",
        "GIT_CONFIG_VALUE_0": person.email,
        "GIT_CONFIG_KEY_1": "user.name",
        "GIT_CONFIG_VALUE_1": person.name,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _verdict(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {"answer": "unknown", "words": ""}
    return {"answer": str(found.get("answer", "unknown")), "words": str(found.get("title", ""))}
