"""Seeded histories of commits, failures, changes by hand and killed processes: whatever happened,
the end is what Git wants, no hook ran twice for a release, and nothing went before its time."""

from collections.abc import Callable

import pytest
from delivery_world import SCOPE, Killed, World, commit, deployment, manifest, ready
from test_hooks import hook

from kiban.delivery.delivery import Delivery
from kiban.delivery.messages import Commit, DeletionApproved, Desired, Refused, Undeliverable
from kiban.kube.objects import replaced
from kiban.plans.records import PlanClosed
from kiban.primitives.chance import Chance
from kiban.primitives.problems import Problem

SERVICES = ("web", "db", "points", "stamp")
NEEDS = {"web": {"db", "points"}, "points": {"db"}}
STEPS = 14
RECORD = SCOPE.record_key


def wanted(draw: Callable[[int], int], number: int) -> Desired:
    """Some services, each at one of three tags, some with hooks."""
    chosen = [name for name in SERVICES if draw(5)] or ["web"]
    images = {name: f"{name}:{draw(3)}" for name in chosen}
    needs = {name: NEEDS.get(name, set()) & set(chosen) for name in chosen}
    extra = [manifest("ConfigMap", f"map-{draw(3)}", data={"a": str(draw(2))})]
    for name in chosen:
        if draw(3) == 0:
            extra.append(hook(f"{name}job", ("before", "after")[draw(2)], name))
    desired = commit("x", images, needs, extra=tuple(extra))
    return Desired(Commit(f"{number:08d}", "Ada"), desired.bundle)


class History:
    """One world, and whoever delivers to it."""

    def __init__(self, seed: int) -> None:
        self.draw = Chance(seed).stream("history").randrange
        self.world = World()
        self.number = 0
        self.desired = self.next_commit()
        self.delivery = self.begin()

    def next_commit(self) -> Desired:
        self.number += 1
        return wanted(self.draw, self.number)

    def begin(self) -> Delivery:
        """A process, which reads Git first of all."""
        delivery = self.world.start(validates=bool(self.draw(2)), allow_delete=True)
        delivery.observe(self.desired, self.world.now)
        self.world.unready = [
            key
            for key, live in sorted(self.world.objects.items())
            if key.kind in ("Deployment", "Job") and live.get("status") != ready(live).get("status")
        ]
        return delivery

    def run(self, seconds: float) -> None:
        try:
            self.world.run(self.delivery, seconds)
        except Killed:
            self.world.writes_left = 10**9
            self.delivery = self.begin()

    def happen(self) -> None:
        """Something happens, and some time passes."""
        world, draw = self.world, self.draw
        match draw(7):
            case 0 | 1:
                self.desired = self.next_commit()
                self.delivery.observe(self.desired, world.now)
                # Only what a person agreed to may delete so much.
                self.delivery.observe(DeletionApproved(self.desired.commit.id), world.now)
            case 2:
                world.broken = {SERVICES[draw(4)]} if draw(2) else set()
                self.delivery = self.begin()
            case 3:
                world.writes_left = draw(12)
                world.does_last = bool(draw(2))
            case 4:
                self.change_by_hand()
            case 5:
                key = deployment(SERVICES[draw(4)])
                code, reason = ((500, "InternalError"), (422, "Invalid"))[draw(2)]
                world.refusals[key] = [Refused(key, code, reason, "no")] * (1 + draw(3))
            case 6:
                bad = Undeliverable(Commit("bad"), (Problem("x", "no good"),))
                self.delivery.observe(bad, world.now)
        # Sometimes long enough for a plan to fail for want of time, and to be tried again.
        self.run(float(draw(40)) if draw(4) else 1500.0)

    def change_by_hand(self) -> None:
        world = self.world
        kinds = ("Deployment", "ConfigMap")
        keys = [key for key in sorted(world.objects) if key.kind in kinds and key != RECORD]
        if not keys:
            return
        key = keys[self.draw(len(keys))]
        if self.draw(2):
            world.delete_by_hand(self.delivery, key)
        elif key.kind == "Deployment":
            changed = replaced(world.objects[key], ["spec", "replicas"], 7)
            world.change_by_hand(self.delivery, changed)


@pytest.mark.parametrize("seed", range(25))
def test_whatever_happened_the_end_is_what_git_wants(seed: int) -> None:
    history = History(seed)
    world = history.world
    for _ in range(STEPS):
        history.happen()
    world.broken, world.writes_left = set(), 10**9
    world.refusals.clear()
    history.desired = history.next_commit()
    history.delivery = history.begin()
    history.delivery.observe(DeletionApproved(history.desired.commit.id), world.now)
    history.run(2000)
    status = history.delivery.status()
    assert status.is_ready, (status.phase, status.problems)
    assert len(world.completed) == len(set(world.completed))
    expected = {
        (one["kind"], one["metadata"]["name"])
        for one in history.desired.bundle.manifests
        if one["kind"] in ("Deployment", "Service", "ConfigMap")
    } | {("ConfigMap", "kiban-delivery")}
    there = {
        (key.kind, key.name)
        for key in world.objects
        if key.kind in ("Deployment", "Service", "ConfigMap")
    }
    assert there == expected
    for one in history.desired.bundle.manifests:
        if one["kind"] == "Deployment":
            live = world.objects[deployment(one["metadata"]["name"])]
            assert live["spec"]["replicas"] == 1
            assert live["spec"]["template"] == one["spec"]["template"]
    opened = {record.plan.id for record in world.journal if hasattr(record, "token")}
    closed = {record.plan for record in world.journal if isinstance(record, PlanClosed)}
    assert opened == closed
