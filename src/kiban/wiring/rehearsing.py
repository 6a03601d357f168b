"""`kiban rehearse`: a platform repo's environment under scenarios, many seeds at once on all cores,
and the reports of it as files."""

import gc
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from kiban.adapters.parallel import in_processes
from kiban.primitives.problems import Exit, KibanError, Problem
from kiban.rehearsal.comparing import Comparison, compared
from kiban.rehearsal.report.document import document
from kiban.rehearsal.report.page import page
from kiban.rehearsal.results import Rehearsal, Run
from kiban.rehearsal.running import Case, Prepared, prepared, rehearse_once
from kiban.rehearsal.scenarios import Scenario, known_scenarios
from kiban.rehearsal.summary import Summary, summarised
from kiban.spec import load_platform, read_directory
from kiban.wiring.places import find_platform
from kiban.wiring.recorded import measured, replays
from kiban.wiring.revisions import Revision, revision, working_tree

MOST_SEEDS = 1000
USUAL = ("day", "deploy")
# A run makes few cycles and keeps most of what it makes, so Python's own thresholds have it look
# through the same objects again and again.
COLLECTION_THRESHOLDS = (50_000, 20, 50)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants rehearsed. Without an environment the last one is meant, which is the
    one that matters most; without scenarios a usual day with deploys."""

    scenarios: tuple[str, ...] = ()
    environment: str = ""
    cluster: str = ""
    seeds: int = 1
    first_seed: int = 1
    against: str = ""
    measured: str = ""
    jobs: int = 0

    @property
    def command(self) -> str:
        """What makes the same report again."""
        words = ["kiban", "rehearse", *self.scenarios]
        words += ["--env", self.environment] if self.environment else []
        words += ["--seeds", str(self.seeds)] if self.seeds > 1 else []
        words += ["--first-seed", str(self.first_seed)] if self.first_seed != 1 else []
        words += ["--compare", self.against] if self.against else []
        words += ["--measured", self.measured] if self.measured else []
        return shlex.join(words)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came out, of the working tree and, if asked, of the revision it is compared with."""

    wish: Wish
    summary: Summary
    base: Summary | None
    comparison: Comparison | None
    log: Sequence[str]


def rehearse(start: Path, wish: Wish, shown: Callable[[float], None]) -> Rehearsed:
    """Rehearse the working tree, and another revision under the same dice.

    `shown` gets the share of all runs that is over. Raises `KibanError` for whatever is wrong with
    the repo or with the wish, before anything runs.
    """
    here = working_tree(start)
    revisions = [here, *([revision(start, wish.against)] if wish.against else [])]
    return rehearse_revisions(start, revisions, wish, shown)


def rehearse_revisions(
    start: Path, revisions: Sequence[Revision], wish: Wish, shown: Callable[[float], None]
) -> Rehearsed:
    """Rehearse the first revision, and the second one, if there is one, under the same dice."""
    _check(wish)
    found: list[tuple[Case, Prepared]] = []
    for each in revisions:
        # All play the scenario of the first, which may be new in it.
        scenario = found[0][1].scenario if found else None
        found.append(_recorded(replace(_case(each, wish), scenario=scenario), wish, start))
    cases, ready = [case for case, _ in found], [each for _, each in found]
    seeds = range(wish.first_seed, wish.first_seed + wish.seeds)
    work = [(case, seed, case is cases[0] and seed == seeds[0]) for case in cases for seed in seeds]
    done = in_processes(_one, work, shown, wish.jobs)
    runs = [run for run, _ in done]
    summary = summarised(_rehearsal(revisions[0], ready[0], runs[: len(seeds)]))
    if len(revisions) == 1:
        return Rehearsed(wish, summary, None, None, done[0][1])
    base = summarised(_rehearsal(revisions[1], ready[1], runs[len(seeds) :]))
    return Rehearsed(wish, summary, base, compared(base, summary), done[0][1])


def written(rehearsed: Rehearsed, directory: Path) -> list[Path]:
    """The reports as files: for people, for machines, and the event log of the first seed."""
    directory.mkdir(parents=True, exist_ok=True)
    command = rehearsed.wish.command
    texts = {
        "report.html": page(rehearsed.summary, rehearsed.base, command).encode(),
        "report.json": orjson.dumps(document(rehearsed.summary, rehearsed.comparison)) + b"\n",
        "events.jsonl": "".join(f"{line}\n" for line in rehearsed.log).encode(),
    }
    for name, text in texts.items():
        (directory / name).write_bytes(text)
    return [directory / name for name in texts]


def scenarios_here(start: Path) -> dict[str, Scenario]:
    """Everybody's scenarios, and those of the platform repo."""
    from kiban.rehearsal.assumptions import assume

    files = read_directory(find_platform(start))
    platform = load_platform(files)
    return known_scenarios(assume(platform, list(platform.environments)[-1], files).scenarios)


def _check(wish: Wish) -> None:
    if not 1 <= wish.seeds <= MOST_SEEDS:
        what = f"{wish.seeds} seeds cannot be rehearsed; 1 to {MOST_SEEDS} can."
        raise KibanError(Problem("rehearsal/seeds", what), Exit.USAGE)


def _case(revision: Revision, wish: Wish) -> Case:
    environment = wish.environment or list(load_platform(revision.files).environments)[-1]
    return Case(revision.files, environment, wish.scenarios or USUAL, wish.cluster)


def _recorded(case: Case, wish: Wish, start: Path) -> tuple[Case, Prepared]:
    """With what is replayed, and what was measured; files are found from the platform's root."""
    ready, directory = prepared(case), find_platform(start)
    found = measured(ready, wish.measured, directory) if wish.measured else {}
    whole = replace(case, recordings=replays(ready, directory), measured=found)
    # What is replayed changes nothing of what was prepared.
    return whole, prepared(whole) if found else ready


def _one(item: tuple[Case, int, bool], report: Callable[[float], None]) -> tuple[Run, list[str]]:
    """In a process of its own. The log of most seeds is not wanted, and large."""
    gc.set_threshold(*COLLECTION_THRESHOLDS)
    case, seed, keeps_log = item
    run, stage = rehearse_once(case, seed, report)
    return run, list(stage.world.observations.lines()) if keeps_log else []


def _rehearsal(revision: Revision, ready: Prepared, runs: Sequence[Run]) -> Rehearsal:
    scenario = ready.scenario
    return Rehearsal(
        ready.platform,
        ready.bundle.environment,
        scenario.name,
        revision.name,
        scenario.seconds,
        scenario.begin,
        runs,
        ready.listed,
    )
