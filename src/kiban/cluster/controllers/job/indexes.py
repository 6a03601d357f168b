"""Sets of completion indexes, written as `0-3,5` in a Job's status.

Source of the form: pkg/controller/job/indexed_job_utils.go.
"""

from collections.abc import Iterable

from kiban.kube.objects import Manifest, annotations_of
from kiban.primitives.digits import whole_number

INDEX = "batch.kubernetes.io/job-completion-index"


def index_of(pod: Manifest) -> int | None:
    """The index that a pod works on."""
    text = annotations_of(pod).get(INDEX, "")
    return whole_number(text)


def parse_indexes(text: str, completions: int) -> list[int]:
    """The indexes in a text, sorted, those beyond the last completion left out."""
    found: dict[int, None] = {}
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, end = whole_number(first), whole_number(last or first)
        if start is not None and end is not None:
            found.update(dict.fromkeys(range(start, min(end + 1, completions))))
    return sorted(found)


def format_indexes(indexes: Iterable[int]) -> str:
    """Sorted, runs of three or more shortened, pairs too: `0,2-3`."""
    runs: list[tuple[int, int]] = []
    for index in sorted(indexes):
        if runs and index == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return ",".join(_run_text(first, last) for first, last in runs)


def _run_text(first: int, last: int) -> str:
    if first == last:
        return str(first)
    # Two neighbours are written one by one, as the real controller does.
    return f"{first},{last}" if last == first + 1 else f"{first}-{last}"
