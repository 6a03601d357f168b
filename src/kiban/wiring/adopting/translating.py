"""Compose files and directories of AWS Copilot, found and read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kiban.adopt.compose import described_compose
from kiban.adopt.copilot import described_copilot, is_copilot
from kiban.adopt.descriptions import Described, Translation, translated
from kiban.primitives.located import plain
from kiban.primitives.problems import KibanError
from kiban.spec.reading import read_yaml
from kiban.wiring.adopting.environments import directories_by_environment, platform_name
from kiban.wiring.adopting.reading import line_count
from kiban.wiring.adopting.wish import Wish

_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


def translate(wish: Wish) -> Translation | None:
    """What a Compose file or a directory of AWS Copilot says; None for Kubernetes objects."""
    named = directories_by_environment(wish.directories)
    described: list[Described] = []
    for name, folder in named.items():
        if path := _compose_file(folder):
            described.append(described_compose(name, _tree(path), line_count(path)))
        elif manifests := _copilot_files(folder):
            described += _copilot(folder, manifests)
    platform = wish.platform or platform_name(list(named.values()))
    return translated(platform, described) if described else None


def _compose_file(folder: Path) -> Path | None:
    """The Compose file of a directory, under the names that Compose looks for."""
    if folder.is_file():
        tree = _tree(folder, lenient=True)
        return folder if "services" in tree and "apiVersion" not in tree else None
    return next((path for name in _COMPOSE if (path := folder / name).is_file()), None)


def _copilot_root(folder: Path) -> Path:
    return folder / "copilot" if (folder / "copilot").is_dir() else folder


def _copilot_files(folder: Path) -> list[Path]:
    found = sorted(_copilot_root(folder).glob("*/manifest.y*ml")) if folder.is_dir() else []
    return [path for path in found if is_copilot(_tree(path, lenient=True))]


def _copilot(folder: Path, manifests: Sequence[Path]) -> list[Described]:
    declared = _copilot_root(folder).glob("environments/*/manifest.y*ml")
    environments = sorted(path.parent.name for path in declared)
    lines = sum(line_count(path) for path in manifests)
    return described_copilot([_tree(path) for path in manifests], environments, lines)


def _tree(path: Path, *, lenient: bool = False) -> Mapping[str, Any]:
    """The map that a file holds. `lenient` is for files that may be something else."""
    tree, problems = read_yaml(str(path), path.read_text(errors="replace"))
    if problems and not lenient:
        raise KibanError(problems)
    found = plain(tree) if tree is not None and not problems else None
    return found if isinstance(found, dict) else {}
