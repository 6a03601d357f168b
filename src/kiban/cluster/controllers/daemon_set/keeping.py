"""Which nodes lack a pod of a DaemonSet, and which pods are too many where they are.

Source: podsShouldBeOnNode and getUnscheduledPodsWithoutNode in pkg/controller/daemon.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kiban.cluster.controllers.controller_revisions import REVISION_HASH
from kiban.cluster.controllers.daemon_set.backoff import FailureDelays
from kiban.cluster.controllers.daemon_set.survey import Survey
from kiban.cluster.controllers.daemon_set.updating import allows_surge
from kiban.cluster.controllers.pods import (
    is_assigned,
    is_available,
    is_ready,
    is_terminal,
    phase_of,
)
from kiban.cluster.controllers.writing import event, warning
from kiban.kube.objects import Manifest, is_deleting, labels_of
from kiban.reconcile.commands import Command


@dataclass
class Upkeep:
    """Nodes without a pod, pods to delete, what is said of those that have ended, and when a
    failed one may go."""

    missing: list[str] = field(default_factory=list)
    surplus: list[Manifest] = field(default_factory=list)
    reports: list[Command] = field(default_factory=list)
    wait_seconds: float | None = None

    def wait(self, seconds: float) -> None:
        self.wait_seconds = min(seconds, self.wait_seconds or seconds)


def upkeep_of(survey: Survey, delays: FailureDelays) -> Upkeep:
    """A pod where one is missing, none where it does not belong."""
    found = Upkeep()
    for node, wanted in survey.fits.items():
        pods = survey.by_node.get(node, [])
        staying = [pod for pod in pods if not is_deleting(pod)]
        if wanted.should_run and not pods:
            found.missing.append(node)
        elif not wanted.may_stay:
            found.surplus += staying
        else:
            _clear(survey, node, [pod for pod in staying if is_terminal(pod)], delays, found)
            running = [pod for pod in staying if not is_terminal(pod)]
            found.surplus += _too_many(survey, running)
    found.surplus += _bereft(survey)
    return found


def _bereft(survey: Survey) -> list[Manifest]:
    """Pods that wait for a node that is gone. Nobody else removes them: they are on no node."""
    return [
        pod
        for node, pods in survey.by_node.items()
        if node and node not in survey.fits
        for pod in pods
        if not is_assigned(pod) and not is_deleting(pod)
    ]


def _clear(
    survey: Survey, node: str, ended: Sequence[Manifest], delays: FailureDelays, found: Upkeep
) -> None:
    for pod in ended:
        if phase_of(pod) == "Failed":
            left = delays.remaining_seconds(survey.daemon_set, node, survey.now)
            if left > 0:
                found.wait(left)
                continue
        found.surplus.append(pod)
        found.reports.append(_report_end(survey.daemon_set, pod, node))


def _report_end(daemon_set: Manifest, pod: Manifest, node: str) -> Command:
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    if phase_of(pod) == "Failed":
        text = f"Found failed daemon pod {name} on node {node}, will try to kill it"
        return warning(daemon_set, "FailedDaemonPod", text)
    text = f"Found succeeded daemon pod {name} on node {node}, will try to delete it"
    return event(daemon_set, "SucceededDaemonPod", text)


def _too_many(survey: Survey, running: Sequence[Manifest]) -> list[Manifest]:
    """All but the oldest; with surge one old pod may stay as long as it is ready and the new one
    does not serve yet."""
    if not allows_surge(survey.daemon_set):
        return list(running[1:])
    kept: dict[bool, Manifest] = {}
    surplus: list[Manifest] = []
    for pod in running:
        is_new = labels_of(pod).get(REVISION_HASH) == survey.digest
        if is_new in kept:
            surplus.append(pod)
        kept.setdefault(is_new, pod)
    new, old = kept.get(True), kept.get(False)
    if new is not None and old is not None:
        serves = is_available(new, survey.min_ready_seconds, survey.now)
        if serves or not is_ready(old):
            surplus.append(old)
    return surplus
