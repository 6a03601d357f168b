"""Many seeded safety runs at once, over the cores, with progress.

    python -m kiban.wiring.safety [COUNT] [--first SEED] [--workers N]

Prints every seed that broke a rule with what it said, then `N passed, M failed`.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from kiban.rehearsal.safety import Outcome, Violation, run

USUAL_COUNT = 10_000
# Seeds that one process runs before it reports: some seconds.
BLOCK = 20
# Blocks between two lines of progress in a log.
LOGGED_BLOCKS = 10


def _block(seeds: range) -> list[Outcome]:
    return [_guarded(seed) for seed in seeds]


def _guarded(seed: int) -> Outcome:
    """A run that breaks with an error of ours is a failed seed, and the others go on."""
    try:
        return run(seed)
    except Exception as error:  # noqa: BLE001 - the outermost edge of a seed
        said = Violation(0.0, "", f"{type(error).__name__}: {error}")
        return Outcome(seed, (said,), "", 0)


def outcomes(seeds: range, workers: int) -> Iterator[list[Outcome]]:
    """The outcomes of all seeds, block by block, as they come."""
    blocks = [seeds[at : at + BLOCK] for at in range(0, len(seeds), BLOCK)]
    with ProcessPoolExecutor(workers) as pool:
        for done in as_completed([pool.submit(_block, block) for block in blocks]):
            yield done.result()


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m kiban.wiring.safety", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=USUAL_COUNT)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args(None if arguments is None else list(arguments))
    seeds = range(given.first, given.first + given.count)
    began, passed, failed, writes = time.monotonic(), 0, 0, 0
    for block in outcomes(seeds, given.workers):
        for outcome in block:
            writes += outcome.writes
            failed += bool(outcome.violations)
            passed += not outcome.violations
            for violation in outcome.violations:
                _say(f"seed {outcome.seed}: {violation}")
        _show(passed + failed, given.count, failed, began)
    _say(f"{writes} writes judged in {time.monotonic() - began:.0f} s")
    _say(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _show(done: int, count: int, failed: int, began: float) -> None:
    """A line that is written over on a terminal, and a line now and then in a log."""
    left = (time.monotonic() - began) / done * (count - done)
    text = f"{done} of {count} runs, {failed} failed, {left:.0f} s left"
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text} " + ("\n" if done == count else ""))
    elif done % (LOGGED_BLOCKS * BLOCK) == 0:
        sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
