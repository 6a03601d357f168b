"""A seed as a run: a cluster under faults for some minutes, then left alone until it is at rest.

The same seed gives the same run on any machine; what it wrote is summed up in a digest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from kiban.cluster.history import Write
from kiban.kube.objects import (
    CRON_JOB,
    DEPLOYMENT,
    JOB,
    NODE,
    STATEFUL_SET,
    Manifest,
    is_true,
    key_of,
)
from kiban.primitives.instants import Instant
from kiban.rehearsal.safety.acts import (
    DAEMON_SET,
    act,
    heal_api,
    loosen,
    set_image,
    start_node,
    uncordon,
)
from kiban.rehearsal.safety.deeds import pods_of
from kiban.rehearsal.safety.rest import unrest_in
from kiban.rehearsal.safety.setup import CRASHING_IMAGE, GOOD_IMAGES, UNREADY_IMAGE
from kiban.rehearsal.safety.trial import Assembly, Trial, Violation

FAULTY_SECONDS = 240.0
MOST_ACTS = 14
# Back-offs of jobs and containers, tolerations and rounds of collectors are over by then.
RESTING_SECONDS = 700.0
LONGEST_RESTING_SECONDS = 2100.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a seed. No violation: it passed."""

    seed: int
    violations: Sequence[Violation]
    digest: str
    writes: int


def run(seed: int, assembly: Assembly = list) -> Outcome:
    """Run a seed. `assembly` may replace controllers, to see that a broken one is found."""
    trial = Trial(seed, assembly)
    record = _Record()
    trial.world.driver.watch(record.note)
    dice = trial.chance.stream("plan")
    for _ in range(dice.randint(3, MOST_ACTS)):
        trial.after(dice.uniform(5.0, FAULTY_SECONDS), lambda at: act(trial, at))
    trial.run_for(FAULTY_SECONDS)
    _calm(trial)
    rested = 0.0
    while not trial.violations and rested < LONGEST_RESTING_SECONDS:
        trial.run_for(RESTING_SECONDS)
        rested += RESTING_SECONDS
        if not unrest_in(trial.world.cluster.store):
            break
    if not trial.violations:
        for text in unrest_in(trial.world.cluster.store):
            trial.complain("", f"not at rest: {text}")
    return Outcome(seed, tuple(trial.violations), record.digest, record.writes)


class _Record:
    """Every write, summed up."""

    def __init__(self) -> None:
        self.writes = 0
        self._sum = blake2b(digest_size=16)

    def note(self, write: Write, now: Instant) -> None:
        self.writes += 1
        gone = "-" if write.after is None else "+"
        self._sum.update(f"{now} {write.revision} {gone} {write.key}\n".encode())

    @property
    def digest(self) -> str:
        return self._sum.hexdigest()


def _calm(trial: Trial) -> None:
    """No fault any more, and nothing broken is wanted: what remains must come to rest."""
    now, api = trial.world.now, trial.world.api
    heal_api(trial, now)
    loosen(trial, now)
    for name in sorted(trial.nodes):
        trial.add_node(name, now)
        start_node(trial, name, now)
    for node in api.list(NODE):
        uncordon(trial, key_of(node), now)
    for workload in [*api.list(DEPLOYMENT), *api.list(STATEFUL_SET), *api.list(DAEMON_SET)]:
        image = workload["spec"]["template"]["spec"]["containers"][0]["image"]
        if image in (CRASHING_IMAGE, UNREADY_IMAGE):
            set_image(trial, workload, GOOD_IMAGES[0], now)
    for deployment in api.list(DEPLOYMENT):
        api.patch(key_of(deployment), {"spec": {"paused": False}}, now)
    for job in api.list(JOB):
        api.patch(key_of(job), {"spec": {"suspend": False}}, now)
    for cron_job in api.list(CRON_JOB):
        api.patch(key_of(cron_job), {"spec": {"suspend": True}}, now)
    for stateful_set in api.list(STATEFUL_SET):
        _unblock(trial, stateful_set, now)


def _unblock(trial: Trial, stateful_set: Manifest, now: Instant) -> None:
    """An ordered set waits for ever for a member of a broken version: somebody deletes it."""
    for pod in pods_of(stateful_set, trial.world.cluster.store):
        image = pod["spec"]["containers"][0]["image"]
        if image in (CRASHING_IMAGE, UNREADY_IMAGE) and not is_true(pod, "Ready"):
            trial.world.api.delete(key_of(pod), now)
