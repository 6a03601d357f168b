"""`kiban check`: the audit of what a platform repo compiles to, of any manifests in files or on
standard input, and of a cluster that runs."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from kiban.adapters.wall_clock import now as wall_clock
from kiban.audit import Finding, Settings, Severity, Surroundings, check, judge, load_settings
from kiban.audit.baseline import line_of, load_baseline
from kiban.audit.batches import Batch, batches_of
from kiban.audit.fleet import told_by
from kiban.audit.mending import change_of, edit_for
from kiban.audit.results import Report, Result, status_of
from kiban.audit.surroundings import SETTINGS_FILE
from kiban.audit.waivers import Waiver, load_waivers
from kiban.kube.documents import Document
from kiban.kube.objects import Key, Manifest, labels_of
from kiban.kube.paths import steps_of
from kiban.kube.positions import place_of
from kiban.primitives.instants import Instant
from kiban.primitives.problems import Place, Problem
from kiban.spec import Platform, load_platform, read_directory
from kiban.spec.nouns import Cluster
from kiban.wiring.checked_files import documents_of, read, read_text
from kiban.wiring.places import find_platform
from kiban.wiring.sources import compiled, renderer_of_directory

WAIVERS_FILE = "waivers.yaml"
_TEAM_LABELS = ("kiban.dev/team", "team", "owner", "app.kubernetes.io/team")


@dataclass(frozen=True, slots=True)
class Options:
    """What a person who checks decided. Files are read when they are named, and else where they
    usually are: beside what is checked."""

    settings: Path | None = None
    waivers: Path | None = None
    baseline: Path | None = None
    version: str = ""
    advice: bool = False
    usage: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # Whether results say where in the text they are, and with which edits they are solved.
    positions: bool = True
    changes: bool = True


@dataclass(slots=True)
class Judging:
    """The settings, waivers and baseline of one check, and what became of them."""

    options: Options
    settings: Settings
    waivers: tuple[Waiver, ...]
    now: Instant
    known: Counter[str] = field(default_factory=Counter)
    problems: dict[tuple[str, str], Problem] = field(default_factory=dict)

    def around(self, cluster: Cluster | None = None) -> Surroundings:
        settings = self.settings
        if self.options.version:
            settings = settings.model_copy(update={"version": self.options.version})
        if cluster is not None:
            settings = told_by(cluster, settings)
        return Surroundings(settings, self.now, usage=self.options.usage)

    def results(
        self, findings: Iterable[Finding], made: Callable[[Finding], Result]
    ) -> list[Result]:
        """The findings with what became of each; `made` gives one its place."""
        findings = list(findings)
        judged = judge(findings, self.waivers, self.now)
        waived = {id(one) for one in judged.waived}
        for problem in judged.problems:
            self.problems[problem.code, problem.what] = problem
        least = Severity.ADVICE if self.options.advice else Severity.WARNING
        found = []
        for finding in findings:
            result = made(finding)
            known = self.known[line_of(result)] > 0
            self.known[line_of(result)] -= known
            status = status_of(finding, waived=id(finding) in waived, known=known, least=least)
            found.append(replace(result, status=status))
        return found

    def report(self, results: Iterable[Result], objects: Mapping[str, int]) -> Report:
        """Waivers that served in one environment are no idle ones."""
        results = tuple(results)
        used = {one.name for one in self.waivers for r in results if one.accepts(r.finding)}
        idle = {f"the waiver {name!r} accepts nothing" for name in used}
        problems = [one for one in self.problems.values() if one.what not in idle]
        return Report(results, tuple(problems), objects)


def judging_of(options: Options, folder: Path | None) -> Judging:
    baseline = options.baseline
    return Judging(
        options,
        load_settings(_text(options.settings, folder, SETTINGS_FILE), SETTINGS_FILE),
        load_waivers(_text(options.waivers, folder, WAIVERS_FILE), WAIVERS_FILE),
        wall_clock(),
        load_baseline(read_text(baseline), str(baseline)) if baseline else Counter(),
    )


def _text(named: Path | None, folder: Path | None, name: str) -> str:
    if named is not None:
        return read_text(named)
    usual = folder / name if folder is not None else None
    return read_text(usual) if usual is not None and usual.is_file() else ""


# A platform repo


def check_platform(start: Path, environment: str | None, options: Options = Options()) -> Report:
    """Every environment on each of its clusters, or one."""
    root = find_platform(start)
    files = read_directory(root)
    return check_files(files, root, environment, options)


def check_files(
    files: Mapping[str, str], root: Path, environment: str | None, options: Options
) -> Report:
    """The same, of files that are in memory."""
    platform = load_platform(files)
    judging = judging_of(options, root)
    renderer = renderer_of_directory(root)
    results: list[Result] = []
    objects = {}
    for name in [environment] if environment else platform.environments:
        for cluster in platform.clusters_of(name) or (None,):
            bundle = compiled(platform, name, renderer, cluster=cluster)
            scope = f"{name} on {cluster}" if len(platform.clusters_of(name)) > 1 else name
            objects[scope] = len(bundle.manifests)
            known = platform.spec.clusters.get(bundle.cluster)
            found = check(bundle.manifests, around=judging.around(known))
            made = _placer(platform, name, scope, bundle.cluster)
            results += judging.results(found, made)
    return judging.report(results, objects)


def _placer(
    platform: Platform, environment: str, scope: str, cluster: str
) -> Callable[[Finding], Result]:
    def made(finding: Finding) -> Result:
        place = finding.as_problem(platform).place
        spec = platform.services[environment].get(finding.service)
        team = (spec.team if spec is not None else "") or ""
        return unjudged(finding, scope, cluster, team, place)

    return made


def unjudged(finding: Finding, scope: str, cluster: str, team: str, place: Place) -> Result:
    status = status_of(finding, waived=False, known=False, least=Severity.ADVICE)
    return Result(finding, status, scope, cluster, team, place)


# Manifests


def check_paths(
    paths: Iterable[Path],
    stdin: str | None,
    options: Options,
    instead: Mapping[str, str] = MappingProxyType({}),
) -> Report:
    """Manifests in files and directories, and those on standard input. `instead` holds texts that
    are about to be written, by file."""
    paths = list(paths)
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in paths:
        documents += documents_of(path, problems, instead)
    if stdin is not None:
        documents += read("-", stdin, problems)
    folder = next((path for path in paths if path.is_dir()), None)
    judging = judging_of(options, folder)
    results: list[Result] = []
    objects = {}
    for batch in batches_of(documents):
        objects[batch.name] = len(batch.documents)
        manifests = [one.manifest for one in batch.documents.values()]
        found = check(manifests, around=judging.around())
        results += judging.results(found, _located(found, batch, options))
        problems += [_twice(key, document) for key, document in batch.twice]
    report = judging.report(results, objects)
    return Report(report.results, (*problems, *report.problems), report.objects)


def _twice(key: Key, document: Document) -> Problem:
    what = f"{key} is described twice in one directory; only the last one would hold"
    place = Place(document.file, document.line, 1)
    return Problem("manifest/twice", what, place, fix="keep one of them")


def _located(
    findings: Iterable[Finding], batch: Batch, options: Options
) -> Callable[[Finding], Result]:
    """What tells the place of each finding. Those of one object are looked up one after the
    other, so that its text is parsed once."""
    ordered = sorted(findings, key=lambda one: one.object)
    placed = {id(one): _place(one, batch, options) for one in ordered}
    return lambda finding: placed[id(finding)]


def _place(finding: Finding, batch: Batch, options: Options) -> Result:
    document = batch.documents.get(finding.object)
    if document is None:
        return unjudged(finding, batch.name, "", "", Place())
    line, column = document.line, 1
    if options.positions:
        line, column = place_of(document, steps_of(finding.path))
    place = Place(document.file, line, column)
    result = unjudged(finding, batch.name, "", team_of(document.manifest), place)
    edit = edit_for(finding, document) if options.changes else None
    changes = (change_of(edit, document),) if edit is not None else ()
    return replace(result, changes=changes)


def team_of(manifest: Manifest) -> str:
    labels = labels_of(manifest)
    # That they are no map is said by a rule.
    labels = labels if isinstance(labels, dict) else {}
    return next((str(labels[name]) for name in _TEAM_LABELS if labels.get(name)), "")
