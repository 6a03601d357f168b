"""What must never be seen in the objects themselves, write by write.

A pod keeps the node it got and its end; an object has one controller; a Job counts every pod at
most once and forgets none that it has counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from kiban.cluster.controllers.job.indexes import parse_indexes
from kiban.kube.objects import JOB, POD, Key, Manifest, controller_of, get_in, owners_of
from kiban.rehearsal.safety.deeds import is_over

COUNTED_WITHOUT_END = 10_000


@dataclass
class _JobLedger:
    """The pods of one Job as they were seen, whatever its status says."""

    succeeded: dict[str, None] = field(default_factory=dict)
    lost: dict[str, None] = field(default_factory=dict)


@dataclass
class Lives:
    """Everything seen so far that a later write may contradict."""

    _jobs: dict[str, _JobLedger] = field(default_factory=dict)

    def faults_of(self, key: Key, before: Manifest | None, after: Manifest | None) -> list[str]:
        """What is wrong with a write."""
        found: list[str] = []
        if after is not None:
            found += _two_controllers(after)
        if key.group_kind == POD:
            found += _changed_life(before, after)
            self._note_pod(before, after)
        elif key.group_kind == JOB and after is not None:
            found += self._miscounted(before, after)
        return found

    def _note_pod(self, before: Manifest | None, after: Manifest | None) -> None:
        pod = after if after is not None else before
        assert pod is not None, "a write has an object"
        owner = controller_of(pod)
        if owner is None or owner["kind"] != JOB.kind:
            return
        ledger = self._jobs.setdefault(owner["uid"], _JobLedger())
        uid = pod["metadata"]["uid"]
        if get_in(pod, "status", "phase") == "Succeeded":
            ledger.succeeded[uid] = None
        elif after is None or is_over(pod) or "deletionTimestamp" in pod["metadata"]:
            ledger.lost[uid] = None

    def _miscounted(self, before: Manifest | None, after: Manifest) -> Iterator[str]:
        name, status = after["metadata"]["name"], after.get("status") or {}
        ledger = self._jobs.get(after["metadata"]["uid"], _JobLedger())
        succeeded, failed = status.get("succeeded", 0), status.get("failed", 0)
        if succeeded > len(ledger.succeeded):
            yield f"Job {name} counts {succeeded} successes of {len(ledger.succeeded)} pods"
        if failed > len(ledger.lost):
            yield f"Job {name} counts {failed} failures of {len(ledger.lost)} pods"
        former = (before or {}).get("status") or {}
        if before is None or before["metadata"]["uid"] != after["metadata"]["uid"]:
            return
        if failed < former.get("failed", 0) or succeeded < former.get("succeeded", 0):
            yield f"Job {name} forgets what it has counted"
        then, now = (
            parse_indexes(entry.get("completedIndexes", ""), COUNTED_WITHOUT_END)
            for entry in (former, status)
        )
        if lost := sorted(set(then) - set(now)):
            yield f"Job {name} forgets the indexes {lost}"


def _two_controllers(manifest: Manifest) -> Iterator[str]:
    masters = [owner["name"] for owner in owners_of(manifest) if owner.get("controller")]
    if len(masters) > 1:
        yield f"{manifest['kind']} {manifest['metadata']['name']} belongs to {masters}"


def _changed_life(before: Manifest | None, after: Manifest | None) -> Iterator[str]:
    if before is None or after is None:
        return
    name = after["metadata"]["name"]
    then, now = before["spec"].get("nodeName"), after["spec"].get("nodeName")
    if then and now != then:
        yield f"pod {name} moves from {then} to {now}"
    if is_over(before) and get_in(after, "status", "phase") != get_in(before, "status", "phase"):
        yield f"pod {name} lives again after {get_in(before, 'status', 'phase')}"
