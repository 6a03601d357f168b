"""`kiban check --fix`: findings solved where they were written, each change proved before it is
kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from kiban.audit import Finding
from kiban.audit.mending import mend_of, mended, mended_spec
from kiban.audit.results import Report, Result
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform, read_directory
from kiban.wiring.checking import Options, check_files, check_paths
from kiban.wiring.places import find_platform

# How often what was solved may uncover more; each finding is solved once.
_MOST_ROUNDS = 5


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
        self.path.write_bytes(self.after.encode())


def mend_paths(
    paths: Sequence[Path], report: Report, options: Options, *, risky: bool = False
) -> list[Mended]:
    """Manifests with their findings solved, file by file, until there is nothing left that can
    be: what is solved may uncover more."""
    texts: dict[str, str] = {}
    solved: dict[str, list[Finding]] = {}
    before: dict[str, str] = {}
    for _ in range(_MOST_ROUNDS):
        found = _mended_files(report, texts, before, risky)
        if not found:
            break
        for name, (text, findings) in found.items():
            texts[name] = text
            solved.setdefault(name, []).extend(findings)
        report = check_paths(paths, None, options, texts)
    return [
        Mended(Path(name), before[name], texts[name], tuple(findings))
        for name, findings in sorted(solved.items())
    ]


def _mended_files(
    report: Report, texts: Mapping[str, str], before: dict[str, str], risky: bool
) -> dict[str, tuple[str, list[Finding]]]:
    """The files in which something can be solved, with their new texts; what they held `before`
    is noted."""
    files: dict[str, list[Finding]] = {}
    for one in report.standing:
        if one.place.file not in ("", "-") and mend_of(one.finding, risky=risky) is not None:
            files.setdefault(one.place.file, []).append(one.finding)
    found = {}
    for name, findings in sorted(files.items()):
        try:
            written = before.setdefault(name, Path(name).read_bytes().decode("utf-8"))
        except UnicodeDecodeError:
            # What cannot be read whole cannot be written whole.
            continue
        after, solved = mended(texts.get(name, written), name, findings)
        if solved:
            found[name] = (after, solved)
    return found


def mend_platform(
    start: Path, report: Report, options: Options, *, risky: bool = False
) -> list[Mended]:
    """Service files with the findings of their manifests solved: a change is kept when the
    platform still loads and the finding is gone."""
    root = find_platform(start)
    files = read_directory(root)
    original = dict(files)
    solved: dict[str, list[Finding]] = {}
    for one in report.standing:
        if mend_of(one.finding, risky=risky) is None:
            continue
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
