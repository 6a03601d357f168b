"""`kiban adopt`: reads what a team has from directories, as each of its tools would, and writes the
new repo."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kiban.adapters.kubernetes import KubernetesCluster, load_access
from kiban.adapters.sources import DirectoryTree
from kiban.adapters.sources.inputs import (
    is_chart,
    is_kustomized,
    kustomize_inputs,
    kustomize_roots,
)
from kiban.adapters.sources.reading import read_manifests, render_chart, render_kustomization
from kiban.adapters.wall_clock import now as wall_clock
from kiban.adopt import Adoption, Copy, Options, adopted
from kiban.adopt.compose import described_compose
from kiban.adopt.copilot import described_copilot, is_copilot
from kiban.adopt.descriptions import Described, Translation, translated
from kiban.adopt.proof import RUNNING, Restart, restart_reasons
from kiban.adopt.writing import flow
from kiban.audit import Severity, check
from kiban.audit.findings import Verdict
from kiban.kube.documents import Document
from kiban.kube.objects import key_of
from kiban.primitives.instants import Instant, later, rfc3339
from kiban.primitives.located import plain
from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.spec.reading import read_yaml
from kiban.spec.words import NAME_PATTERN

# How long what was there before may stay without an owner.
WAIVED_DAYS = 90
DAY_SECONDS = 24 * 3600.0
# With more objects than this, a rule is waived for all.
FEW_OBJECTS = 3
# What environments are usually called, in the order of promotion.
_USUAL = (
    "local", "sandbox", "dev", "develop", "development", "test", "testing", "qa", "int",
    "integration", "uat", "stg", "stage", "staging", "preprod", "pre-prod", "preproduction",
    "prd", "prod", "production",
)  # fmt: skip
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for. `directories` may say `NAME=DIR`."""

    directories: Sequence[str]
    platform: str = ""
    namespace: str = ""
    with_secrets: bool = False


def adopt(wish: Wish, now: Instant | None = None) -> Adoption:
    """Read and adopt. What the audit finds is waived from now on, so that it can be delivered as
    it runs. Raises `KibanError` for what cannot be read."""
    named = _named(wish.directories)
    counted: set[Path] = set()
    copies = [_copy(name, folder, wish.namespace, counted) for name, folder in named.items()]
    if not any(copy.documents for copy in copies):
        what = "there is no Kubernetes object in " + ", ".join(str(one) for one in named.values())
        fix = "name the directories of manifests, one for each environment"
        raise KibanError(Problem("adopt/nothing", what, fix=fix), Exit.USAGE)
    platform = wish.platform or _platform_name(list(named.values()))
    found = adopted(copies, Options(platform, wish.with_secrets))
    accepted = waivers(found, now or wall_clock())
    return replace(found, files={**found.files, **({WAIVERS: accepted} if accepted else {})})


def translate(wish: Wish) -> Translation | None:
    """What a Compose file or a directory of AWS Copilot says; None for Kubernetes objects."""
    named = _named(wish.directories)
    platform = wish.platform or _platform_name(list(named.values()))
    described: list[Described] = []
    for name, folder in named.items():
        if files := _compose_files(folder):
            for path in files:
                tree = _tree(path)
                described.append(described_compose(name, tree, _line_count(path)))
        elif manifests := _copilot_files(folder):
            described += _copilot(folder, manifests)
    return translated(platform, described) if described else None


def _compose_files(folder: Path) -> list[Path]:
    """The Compose file of a directory, under the names that Compose looks for."""
    if folder.is_file():
        return [folder] if _is_compose(folder) else []
    names = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
    return [path for name in names if (path := folder / name).is_file()][:1]


def _is_compose(path: Path) -> bool:
    tree = _tree(path) if path.suffix in (".yaml", ".yml") else {}
    return "services" in tree and "apiVersion" not in tree


def _copilot_files(folder: Path) -> list[Path]:
    root = folder / "copilot" if (folder / "copilot").is_dir() else folder
    found = sorted(root.glob("*/manifest.y*ml")) if root.is_dir() else []
    return [path for path in found if is_copilot(_tree(path))]


def _copilot(folder: Path, manifests: Sequence[Path]) -> list[Described]:
    root = folder / "copilot" if (folder / "copilot").is_dir() else folder
    environments = sorted(path.parent.name for path in root.glob("environments/*/manifest.y*ml"))
    lines = sum(_line_count(path) for path in manifests)
    return described_copilot([_tree(path) for path in manifests], environments, lines)


def _tree(path: Path) -> Mapping[str, Any]:
    tree, problems = read_yaml(str(path), path.read_text(errors="replace"))
    if problems:
        raise KibanError(problems)
    found = plain(tree) if tree is not None else None
    return found if isinstance(found, dict) else {}


WAIVERS = "waivers.yaml"


def waivers(found: Adoption, now: Instant) -> str:
    """What the audit would refuse to deliver is accepted for a while, as it runs already."""
    rules: dict[str, dict[str, None]] = {}
    for bundle in found.bundles.values():
        for finding in check(bundle.manifests):
            if finding.severity == Severity.ERROR and finding.verdict is Verdict.FAIL:
                name = f"{finding.object.kind}/{finding.object.name}"
                rules.setdefault(finding.rule, {})[name] = None
    until = rfc3339(later(now, WAIVED_DAYS * DAY_SECONDS))[:10]
    entries: dict[str, dict[str, str]] = {}
    for rule, objects in sorted(rules.items()):
        for number, each in enumerate(sorted(objects) if len(objects) <= FEW_OBJECTS else ["*"]):
            entries[f"{rule}-{number}" if number else rule] = {
                "rule": rule,
                "object": each,
                "owner": "nobody",
                "reason": "known",
                "expires": until,
            }
    head = "# Findings that were there before. Find an owner for each, and solve it.\n"
    lines = [f"{name}: {flow(entry)}\n" for name, entry in entries.items()]
    return head + "".join(lines) if lines else ""


def write_repository(out: Path, files: Mapping[str, str]) -> None:
    """Write the new repo. Raises `KibanError` for a directory that is not empty."""
    if out.exists() and any(one.name != ".git" for one in out.iterdir()):
        what = f"{out} is there already and not empty"
        problem = Problem("adopt/not-empty", what, Place(str(out)), fix="name an empty directory")
        raise KibanError(problem, Exit.USAGE)
    for path, text in files.items():
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def _named(words: Sequence[str]) -> dict[str, Path]:
    """Directories by environment. One directory whose folders are environments means those."""
    found: dict[str, Path] = {}
    for word in words:
        name, sign, path = word.partition("=")
        folder = Path(path if sign else word)
        if not folder.exists():
            what = f"there is nothing at {folder}"
            raise KibanError(Problem("adopt/no-directory", what, Place(str(folder))), Exit.USAGE)
        name = environment_name(name if sign else folder.resolve().name)
        if name in found:
            what = f"two directories are the environment {name!r}"
            fix = "name them: kiban adopt dev=DIR prod=DIR"
            raise KibanError(Problem("adopt/twice", what, fix=fix), Exit.USAGE)
        found[name] = folder
    return _inside(next(iter(found.values()))) if len(found) == 1 and not sign else found


def _inside(folder: Path) -> dict[str, Path]:
    """The environments in one directory, in the order of promotion: `dev` and `prod`, or
    `overlays/dev` and `overlays/prod`; else the directory itself."""
    alone = {environment_name(folder.resolve().name): folder}
    if folder.is_file() or is_kustomized(DirectoryTree(folder), "."):
        return alone
    root = folder / "overlays" if (folder / "overlays").is_dir() else folder
    folders = [one for one in sorted(root.iterdir()) if one.is_dir() and one.name[:1] != "."]
    places = {environment_name(one.name): one for one in folders}
    known = [name for name in _USUAL if name in places]
    # Beside an environment there may be what none of them means, such as a base.
    is_all = root != folder or len(known) == len(places)
    return {name: places[name] for name in known} if len(known) > 1 and is_all else alone


def environment_name(text: str) -> str:
    """A name of the language made of the name of a directory."""
    made = _NOT_IN_A_NAME.sub("-", text.lower()).strip("-")[:40].strip("-")
    return made if re.match(NAME_PATTERN, made) else "main"


def _platform_name(folders: Sequence[Path]) -> str:
    """Of the directory that holds the environments, or of the only one."""
    folder = folders[0].resolve()
    name = environment_name(folder.parent.name if len(folders) > 1 else folder.name)
    return name if name != "main" else "platform"


def _copy(name: str, folder: Path, namespace: str, counted: set[Path]) -> Copy:
    """The objects of one directory, as its own tool makes them. A file that several environments
    share is counted once."""
    root = folder.parent if folder.is_file() else folder
    tree, inside = DirectoryTree(root), folder.name if folder.is_file() else "."
    left: tuple[str, ...] = ()
    if is_kustomized(tree, inside):
        # What it refers to may lie anywhere beside it.
        paths = _kustomize_files(folder)
        documents: list[Document] = render_kustomization(folder)
    elif is_chart(tree, inside):
        paths = [root / path for path in tree.under(inside)]
        documents = render_chart(name, folder, namespace)
    else:
        roots, built = kustomize_roots(tree, inside)
        files = [path for path in tree.under(inside) if path not in built]
        read = read_manifests(tree.read(files))
        documents, left = read.documents, tuple(read.left)
        for one in roots:
            documents += render_kustomization(root / one)
        paths = [root / path for path in [*read.files, *built]]
    new = sorted({path.resolve() for path in paths} - counted)
    counted.update(new)
    lines = sum(_line_count(path) for path in new)
    return Copy(name, tuple(documents), lines, len(new), left, given_namespace=namespace)


def _kustomize_files(folder: Path) -> list[Path]:
    whole = folder.resolve()
    top = Path(whole.anchor)
    inputs = kustomize_inputs(DirectoryTree(top), whole.relative_to(top).as_posix())
    return [top / path for path in inputs]


def _line_count(path: Path) -> int:
    return path.read_bytes().count(b"\n")


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What taking over does to the workloads of a cluster: those whose pods are replaced, those
    that stay as they run, and those that are not there."""

    restarts: tuple[Restart, ...]
    kept: int
    absent: tuple[str, ...]


async def take_over(found: Adoption, context: str) -> TakeOver:
    """Compare the pod templates with those of a cluster that runs. Nothing is changed."""
    restarts: list[Restart] = []
    absent: list[str] = []
    kept = 0
    async with KubernetesCluster(load_access(context)) as cluster:
        for copy in found.copies:
            for manifest in found.bundles[copy.environment].manifests:
                if manifest["kind"] not in RUNNING:
                    continue
                name = copy.name_of(manifest)
                live = await cluster.get(key_of(manifest))
                if live is None:
                    absent.append(f"{name}@{copy.environment}")
                elif why := restart_reasons(live, manifest):
                    restarts.append(Restart(copy.environment, name, why))
                else:
                    kept += 1
    return TakeOver(tuple(restarts), kept, tuple(absent))
