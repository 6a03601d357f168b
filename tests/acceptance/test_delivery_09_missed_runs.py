"""9. A CronJob with three missed runs is degraded, and the way to run it now is offered."""

from pathlib import Path

from delivery_stage import PAUSE_IMAGE, Stage, play

from kiban.adapters.delivery_driver import now
from kiban.kube.objects import Manifest
from kiban.primitives.instants import later, rfc3339

DAY = 24 * 3600.0


def cron_job(stage: Stage) -> Manifest:
    """Daily at this very time of the day, half a day from now; a late run is not made up for."""
    hour = int(rfc3339(later(now(), DAY / 2))[11:13])
    pod = {"restartPolicy": "Never", "containers": [{"name": "app", "image": PAUSE_IMAGE}]}
    return stage.manifest(
        "CronJob",
        "report",
        "report",
        spec={
            "schedule": f"0 {hour} * * *",
            "timeZone": "Etc/UTC",
            "startingDeadlineSeconds": 10,
            "jobTemplate": {"spec": {"template": {"spec": pod}}},
        },
    )


def test_missed_runs_are_counted_and_running_it_now_is_offered(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        await stage.delivered(stage.commit([cron_job(stage)]))
        ago = rfc3339(later(now(), -3 * DAY))
        status = {"lastScheduleTime": ago, "lastSuccessfulTime": ago}
        await stage.cluster.patch(
            stage.key("CronJob", "report"), {"status": status}, subresource="status"
        )
        found = await stage.until(lambda status: "MissedRun" in str(status.services))
        [entry] = found.services[0].objects
        assert (entry.status, entry.reason) == ("Degraded", "MissedRun")
        assert entry.message.startswith("3 runs were not started")
        assert "kubectl create job --from=cronjob/report" in entry.next

    play(kubeconfig, tmp_path, story)
