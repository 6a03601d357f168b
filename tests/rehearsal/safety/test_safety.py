"""Seeded runs under faults, and proof that a broken rule would be found by them."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from kiban.cluster.api import binding, eviction
from kiban.cluster.api.calls import Call
from kiban.cluster.api.registry import Registry
from kiban.cluster.controllers.job import controller as jobs
from kiban.cluster.controllers.job import counting
from kiban.cluster.controllers.replica_set import ReplicaSetController
from kiban.cluster.scheduler import Scheduler
from kiban.kube.objects import NODE, Key, Manifest
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Bind, Create
from kiban.reconcile.controller import Controller, Outcome, Snapshot
from kiban.rehearsal.safety import run
from kiban.rehearsal.safety.trial import Assembly

# A hundredth of what `python -m kiban.wiring.safety` runs.
SEEDS = 200
PARTS = 8
# A broken rule has to be found within so many seeds.
PATIENCE = 60


@pytest.mark.parametrize("part", range(PARTS))
def test_the_rules_hold_under_faults_and_all_comes_to_rest(part: int) -> None:
    outcomes = [run(seed) for seed in range(part, SEEDS, PARTS)]
    assert {o.seed: [str(v) for v in o.violations] for o in outcomes if o.violations} == {}


# Runs in which the request to take a taint off a node that is back was refused.
REFUSED_RECOVERIES = (1538, 1665, 1697, 4625, 4746, 6587)


@pytest.mark.parametrize("seed", REFUSED_RECOVERIES)
def test_a_node_that_is_back_loses_its_taint_though_a_request_was_refused(seed: int) -> None:
    assert [str(violation) for violation in run(seed).violations] == []


@pytest.mark.parametrize("seed", (4953, 6967))
def test_no_daemon_waits_for_a_node_that_was_replaced(seed: int) -> None:
    assert [str(violation) for violation in run(seed).violations] == []


def test_a_set_that_happens_to_have_the_new_size_does_not_keep_a_rollout_from_beginning() -> None:
    assert [str(violation) for violation in run(20971).violations] == []


def test_a_job_counts_no_pod_as_failed_that_it_could_not_end() -> None:
    assert [str(violation) for violation in run(31400).violations] == []


def test_one_seed_gives_one_run() -> None:
    assert run(3) == run(3)
    assert run(3).digest != run(4).digest


# Broken rules, planted on purpose


def replacing(variant: type[Controller]) -> Assembly:
    """The controllers with another one in the place of the one of that name."""

    def assembly(controllers: Iterable[Controller]) -> Iterable[Controller]:
        made = variant()
        return [made if entry.name == made.name else entry for entry in controllers]

    return assembly


def first_found(assembly: Assembly = list) -> str:
    """What the first violated rule says, of as many seeds as it takes."""
    for seed in range(PATIENCE):
        for violation in run(seed, assembly).violations:
            return violation.text
    return "nothing"


def test_an_eviction_that_ignores_the_budget_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eviction, "_spend", lambda *_: None)
    assert "budget" in first_found()


class ForgetfulScheduler(Scheduler):
    """Decides about many pods at once and forgets where it has just put them."""

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        put = self.view.put_pod
        self.view.put_pod = lambda pod, node: None  # type: ignore[method-assign]
        try:
            return super().reconcile(key, snapshot, now)
        finally:
            self.view.put_pod = put  # type: ignore[method-assign]


def test_a_scheduler_that_forgets_what_it_has_decided_is_found() -> None:
    assert "gets" in first_found(replacing(ForgetfulScheduler))


class UndecidedScheduler(Scheduler):
    """Binds every pod of a set, and then once more to another node."""

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        found = super().reconcile(key, snapshot, now)
        nodes = [node["metadata"]["name"] for node in snapshot.list(NODE)]
        again = [
            replace(command, node=other)
            for command in found.commands
            if isinstance(command, Bind) and command.pod.name.startswith("web")
            for other in nodes
            if other != command.node
        ]
        return Outcome((*found.commands, *again), found.wake_after)


def test_a_pod_that_is_bound_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def rebound(registry: Registry, pod: Key, body: Manifest, call: Call) -> Manifest:
        live = registry.store.get(pod)
        assert live is not None
        spec = {**live["spec"], "nodeName": body["target"]["name"]}
        status = binding.scheduled(live.get("status") or {}, call.now)
        return registry.store.put({**live, "spec": spec, "status": status})

    monkeypatch.setattr(binding, "bind", rebound)
    assert "is bound to" in first_found(replacing(UndecidedScheduler))


class ShortSets(ReplicaSetController):
    """Is content with one pod less than it should have."""

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        found = super().reconcile(key, snapshot, now)
        made = [command for command in found.commands if isinstance(command, Create)]
        kept = [command for command in found.commands if command not in made[-1:]]
        return Outcome(tuple(kept), found.wake_after)


def test_a_set_that_never_gets_all_its_pods_is_found() -> None:
    assert "not at rest" in first_found(replacing(ShortSets))


class DoublingSets(ReplicaSetController):
    """Makes every pod twice."""

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        found = super().reconcile(key, snapshot, now)
        again = super().reconcile(key, snapshot, now)
        extra = [command for command in again.commands if isinstance(command, Create)]
        return Outcome((*found.commands, *extra), found.wake_after)


def test_a_set_that_makes_pods_twice_is_found() -> None:
    assert "makes a pod" in first_found(replacing(DoublingSets))


def test_a_job_that_counts_failures_from_memory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = counting.tallied

    def twice(*arguments: object) -> object:
        tally = real(*arguments)  # type: ignore[arg-type]
        for field in ("succeeded", "failed"):
            if tally.fields.get(field):
                tally.fields[field] += 1
        return tally

    monkeypatch.setattr(jobs, "tallied", twice)
    assert "counts" in first_found()
