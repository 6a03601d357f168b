"""Compose files and directories of AWS Copilot, found and read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kiban.adapters.sources import DirectoryTree
from kiban.adapters.sources.inputs import is_kustomized
from kiban.adapters.sources.reading import read_manifests
from kiban.adopt.compose import WHOLE, described_compose
from kiban.adopt.compose_files import is_compose, overridden
from kiban.adopt.copilot import COPILOT, described_copilot, is_copilot
from kiban.adopt.descriptions import Described, Remains, Translation, translated
from kiban.adopt.interpolation import variables
from kiban.primitives.located import plain
from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.spec.reading import read_yaml
from kiban.wiring.adopting.environments import directories_by_environment, platform_name
from kiban.wiring.adopting.reading import line_count
from kiban.wiring.adopting.wish import Wish

_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


def translate(wish: Wish) -> Translation | None:
    """What a Compose file or a directory of AWS Copilot says; None for Kubernetes objects."""
    named = directories_by_environment(wish.directories)
    described: list[Described] = []
    objects: list[Path] = []
    for name, folder in named.items():
        if path := _compose_file(folder):
            described.append(_compose(name, path))
        elif manifests := _copilot_files(folder):
            described += _copilot(folder, manifests)
        else:
            objects.append(folder)
    if described and objects:
        what = f"{objects[0]} is no Compose file and no directory of AWS Copilot, as the others are"
        fix = "adopt what has objects and what has none apart"
        raise KibanError(Problem("adopt/mixed", what, Place(str(objects[0])), fix=fix), Exit.USAGE)
    platform = wish.platform or platform_name(list(named.values()))
    return translated(platform, described) if described else None


def _compose_file(folder: Path) -> Path | None:
    """The Compose file of a directory, under the names that Compose looks for. Where there are
    objects, these are what runs, and the file is for laptops."""
    if folder.is_file():
        return folder if is_compose(_tree(folder, lenient=True)) else None
    found = next((path for name in _COMPOSE if (path := folder / name).is_file()), None)
    return found if found is not None and not _has_objects(folder) else None


def _has_objects(folder: Path) -> bool:
    tree = DirectoryTree(folder)
    return is_kustomized(tree, ".") or bool(read_manifests(tree.read(tree.under("."))).documents)


def _compose(name: str, path: Path) -> Described:
    """A Compose file with what Compose itself reads beside it; other files are told."""
    tree, lines = _tree(path), line_count(path)
    known = path.parent / ".env"
    values = variables(known.read_text(errors="replace")) if known.is_file() else {}
    others = []
    for other in sorted(path.parent.glob(f"{path.stem}.*.y*ml")):
        if other.stem == f"{path.stem}.override":
            tree, lines = overridden(tree, _tree(other)), lines + line_count(other)
        else:
            others.append(other.name)
    found = described_compose(name, tree, lines, values)
    found.leave(WHOLE, others, "not read; it can be an environment: ENV=FILE")
    return found


def _copilot_root(folder: Path) -> Path:
    return folder / "copilot" if (folder / "copilot").is_dir() else folder


def _copilot_files(folder: Path) -> list[Path]:
    found = sorted(_copilot_root(folder).glob("*/manifest.y*ml")) if folder.is_dir() else []
    return [path for path in found if is_copilot(_tree(path, lenient=True))]


def _copilot(folder: Path, manifests: Sequence[Path]) -> list[Described]:
    root = _copilot_root(folder)
    declared = {path.parent.name: path for path in root.glob("environments/*/manifest.y*ml")}
    lines = sum(line_count(path) for path in manifests)
    found = described_copilot([_tree(path) for path in manifests], sorted(declared), lines)
    # Networks, pipelines and sites are Copilot's own.
    others = [*root.glob("*/manifest.y*ml"), *root.glob("*/*/manifest.y*ml")]
    for path in sorted(path for path in others if path not in manifests):
        rest = Remains(_tree(path, lenient=True))
        kind = rest.take("type")
        rest.take("name")
        where = path.parent.relative_to(root).as_posix()
        if names := rest.names():
            found[0].leave(COPILOT, [where], f"{kind}: {', '.join(names)}")
    return found


def _tree(path: Path, *, lenient: bool = False) -> Mapping[str, Any]:
    """The map that a file holds. `lenient` is for files that may be something else."""
    tree, problems = read_yaml(str(path), path.read_text(errors="replace"))
    if problems and not lenient:
        raise KibanError(problems)
    found = plain(tree) if tree is not None and not problems else None
    return found if isinstance(found, dict) else {}
