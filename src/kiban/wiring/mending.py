"""`kiban check --fix`: findings solved where they were written, each change proved before it is
kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from kiban.audit import Finding
from kiban.audit.mending import mend_of, mended, mended_spec
from kiban.audit.results import Report, Result
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform, read_directory
from kiban.wiring.checking import Options, check_files, read_text
from kiban.wiring.places import find_platform


@dataclass(frozen=True, slots=True)
class Mended:
    """A file with findings solved in it."""

    path: Path
    before: str
    after: str
    solved: tuple[Finding, ...]

    @property
    def difference(self) -> str:
        """As `diff -u` shows it."""
        name = str(self.path).lstrip("/")
        lines = unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            f"a/{name}",
            f"b/{name}",
        )
        return "".join(lines)

    def write(self) -> None:
        self.path.write_text(self.after, encoding="utf-8")


def mend_paths(report: Report) -> list[Mended]:
    """Manifests with their findings solved, file by file."""
    files: dict[str, list[Finding]] = {}
    for one in report.standing:
        if one.place.file and one.place.file != "-":
            files.setdefault(one.place.file, []).append(one.finding)
    found = []
    for name, findings in sorted(files.items()):
        before = read_text(Path(name))
        after, solved = mended(before, name, findings)
        if solved:
            found.append(Mended(Path(name), before, after, tuple(solved)))
    return found


def mend_platform(start: Path, report: Report, options: Options) -> list[Mended]:
    """Service files with the findings of their manifests solved: a change is kept when the
    platform still loads and the finding is gone."""
    root = find_platform(start)
    files = read_directory(root)
    original = dict(files)
    solved: dict[str, list[Finding]] = {}
    for one in report.standing:
        name, text = _attempt(files, one)
        if text is None:
            continue
        attempt = {**files, name: text}
        environment = one.scope.partition(" on ")[0]
        if _is_solved(attempt, root, environment, one, options):
            files = attempt
            solved.setdefault(name, []).append(one.finding)
    return [
        Mended(root / name, original[name], files[name], tuple(findings))
        for name, findings in sorted(solved.items())
    ]


def _attempt(files: dict[str, str], result: Result) -> tuple[str, str | None]:
    mend = mend_of(result.finding)
    platform = load_platform(files)
    source = platform.sources.services.get(result.finding.service)
    if mend is None or source is None or not mend.field:
        return "", None
    environment = result.scope.partition(" on ")[0]
    return source.file, mended_spec(files[source.file], source.file, environment, mend)


def _is_solved(
    files: dict[str, str], root: Path, environment: str, result: Result, options: Options
) -> bool:
    try:
        report = check_files(files, root, environment, options)
    except KibanError:
        return False
    return all(one.fingerprint != result.fingerprint for one in _standing(report))


def _standing(report: Report) -> Iterable[Result]:
    return report.standing
