"""An environment put to sleep and woken: workloads without instances, cron jobs suspended, then
everything back at once. What missed its time meanwhile is for the cron controller to decide."""

from kiban.kube.objects import CRON_JOB, DEPLOYMENT, STATEFUL_SET, Key, key_of
from kiban.primitives.instants import Instant
from kiban.rehearsal.scenarios.scenario import Act
from kiban.rehearsal.scenarios.stage import Stage

_SCALED = (DEPLOYMENT, STATEFUL_SET)


def sleep(stage: Stage, act: Act, now: Instant) -> None:
    """Scale everything to nothing and remember how large it was."""
    api, space = stage.world.api, stage.world.source.namespace
    sizes: list[tuple[Key, int]] = []
    for kind in _SCALED:
        for workload in api.list(kind, space):
            sizes.append((key_of(workload), int(workload["spec"].get("replicas", 1))))
    jobs = [key_of(job) for job in api.list(CRON_JOB, space) if not job["spec"].get("suspend")]
    stage.sizes, stage.suspended = sizes, jobs
    for key, _ in sizes:
        api.scale(key, 0, now)
    for key in jobs:
        api.patch(key, {"spec": {"suspend": True}}, now)
    # Nobody asks an environment that sleeps.
    stage.traffic.load.is_open = False
    stage.note(now, "act.asleep", workloads=len(sizes), jobs=len(jobs))


def wake(stage: Stage, act: Act, now: Instant) -> None:
    """Everything as it was before."""
    api = stage.world.api
    for key, size in stage.sizes:
        api.scale(key, size, now)
    for key in stage.suspended:
        api.patch(key, {"spec": {"suspend": False}}, now)
    stage.traffic.load.is_open = True
    stage.note(now, "act.woken", workloads=len(stage.sizes), jobs=len(stage.suspended))
