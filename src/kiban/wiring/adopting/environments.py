"""Which directory is which environment, and what the new platform is called."""

import re
from collections.abc import Sequence
from pathlib import Path

from kiban.adapters.sources import DirectoryTree
from kiban.adapters.sources.inputs import is_kustomized
from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.spec.words import NAME_PATTERN

# What environments are usually called, in the order of promotion.
_USUAL = (
    "local", "sandbox", "dev", "develop", "development", "test", "testing", "qa", "int",
    "integration", "uat", "stg", "stage", "staging", "preprod", "pre-prod", "preproduction",
    "prd", "prod", "production",
)  # fmt: skip
# Where people keep environments, and what these have in common.
_OVERLAYS = ("overlays", "environments", "envs")
_SHARED = ("base", "bases", "common", "components", "shared")
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


def directories_by_environment(words: Sequence[str]) -> dict[str, Path]:
    """Directories by environment. One directory whose folders are environments means those."""
    found: dict[str, Path] = {}
    for word in words:
        name, sign, path = word.partition("=")
        folder = Path(path if sign else word)
        if not folder.exists():
            what = f"there is nothing at {folder}"
            raise KibanError(Problem("adopt/no-directory", what, Place(str(folder))), Exit.USAGE)
        name = environment_name(name if sign else _called(folder))
        if name in found:
            what = f"two directories are the environment {name!r}"
            fix = "name them: kiban adopt dev=DIR prod=DIR"
            raise KibanError(Problem("adopt/twice", what, fix=fix), Exit.USAGE)
        found[name] = folder
    return _inside(next(iter(found.values()))) if len(found) == 1 and not sign else found


def _inside(folder: Path) -> dict[str, Path]:
    """The environments in one directory, in the order of promotion: `dev` and `prod`, or
    `overlays/dev` and `overlays/prod`; else the directory itself."""
    alone = {environment_name(_called(folder)): folder}
    if folder.is_file() or _is_built(folder):
        return alone
    root = next((one for name in _OVERLAYS if (one := folder / name).is_dir()), folder)
    folders = [one for one in sorted(root.iterdir()) if one.is_dir() and one.name[:1] != "."]
    places = {environment_name(one.name): one for one in folders}
    known = [name for name in _USUAL if name in places]
    others = [name for name in places if name not in known and name not in _SHARED]
    if root != folder:
        # Every overlay is one, however it is called; what is no overlay as the others are is none.
        are_built = any(_is_built(places[name]) for name in known)
        known += [name for name in others if _is_built(places[name]) == are_built]
    if len(places) < len(folders):
        return alone
    # Beside an environment there may be what none of them means. What they build on is theirs.
    is_all = root != folder or not others
    return {name: places[name] for name in known} if len(known) > 1 and is_all else alone


def _is_built(folder: Path) -> bool:
    return is_kustomized(DirectoryTree(folder), ".")


def _called(folder: Path) -> str:
    """The name of a directory; that of a file without what says that it is one."""
    whole = folder.resolve()
    return whole.stem if whole.is_file() else whole.name


def environment_name(text: str) -> str:
    """A name of the language made of the name of a directory."""
    made = _NOT_IN_A_NAME.sub("-", text.lower()).strip("-")[:40].strip("-")
    return made if re.match(NAME_PATTERN, made) else "main"


def platform_name(folders: Sequence[Path]) -> str:
    """Of the directory that holds the environments, or of the only one."""
    folder = folders[0].resolve()
    alone = len(folders) == 1 and folder.is_dir()
    name = environment_name(folder.name if alone else folder.parent.name)
    return name if name != "main" else "platform"
