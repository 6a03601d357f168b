"""Fuzz for a while: `python -m tests.fuzz.run [--seconds 600] [--seed 1]`.

Every conversation is named by a number; the first that finds a fault is shortened and shown, and
its numbers can be made a test with a name.
"""

import argparse
import itertools
import sys
import time
import traceback
from collections import Counter

from tests.fuzz.asking import Talk, grown_request

TURNS = 40


def fault_of(seeds: list[int]) -> str:
    """What goes wrong in a conversation; nothing when all is well."""
    try:
        talk = Talk()
        for seed in seeds:
            talk.send(grown_request(seed))
            talk.go_on(0.5)
        talk.go_on(120)
    except Exception:  # noqa: BLE001 - a fault is what is looked for
        return traceback.format_exc()
    STATUSES.update(talk.said)
    return ""


STATUSES: Counter[int] = Counter()


def shortened(seeds: list[int]) -> list[int]:
    """The conversation without what the fault does not need: halves first, then single turns."""
    kept, size = seeds, len(seeds) // 2
    while size:
        at = 0
        while at < len(kept):
            less = kept[:at] + kept[at + size :]
            if fault_of(less):
                kept = less
            else:
                at += size
        size //= 2
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    end, faults = time.monotonic() + options.seconds, Counter[str]()
    for number in itertools.count(options.seed):
        if time.monotonic() > end:
            break
        seeds = [number * TURNS + turn for turn in range(TURNS)]
        fault = fault_of(seeds)
        last = fault.strip().rpartition("\n")[2][:160]
        if fault and not faults[last]:
            sys.stdout.write(f"{shortened(seeds)}\n{fault}\n")
            sys.stdout.flush()
        faults[last] += 1
    clean = faults.pop("", 0)
    sys.stdout.write(f"{clean} conversations went well, {faults.total()} did not\n{STATUSES}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
