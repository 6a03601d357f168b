"""Compares everything that a commit wants with everything that is there: what there is to do, what
of it is drift, and what stands in the way."""

from dataclasses import dataclass, replace

from kiban.delivery.changes import Item, blast_problem
from kiban.delivery.drift import Drift
from kiban.delivery.failures import Failures
from kiban.delivery.goal import Goal
from kiban.delivery.hook_runs import needs_tidying
from kiban.delivery.judgement import Judge
from kiban.delivery.live import Live
from kiban.delivery.progressive.finding import find_rollouts
from kiban.delivery.progressive.objects import given_up
from kiban.delivery.record import recorded_commit
from kiban.delivery.reporting import are_starting
from kiban.delivery.secret_values import is_met
from kiban.delivery.sync import Work, secret_key
from kiban.primitives.problems import Problem


@dataclass(frozen=True, slots=True)
class Survey:
    """What a look at everything found. `drifted` are those of the objects to be applied that were
    as wanted before; `refused` is everything that keeps the whole commit from being delivered."""

    work: Work
    drifted: tuple[Item, ...] = ()
    blast: Problem | None = None
    refused: tuple[Problem, ...] = ()
    is_recorded: bool = True
    # Everything that differs, also what a failed rollout keeps from being applied, and what is
    # said of that.
    differing: tuple[Item, ...] = ()
    held: tuple[Problem, ...] = ()

    @property
    def is_worth_a_plan(self) -> bool:
        work = self.work
        runs = any(hook.when != "failure" for hook in work.hooks)
        is_due = not self.is_recorded and not self.held
        has_rests = bool(work.rolling.leftovers)
        return bool(work.items or work.unwanted or work.secrets or runs or has_rests) or is_due

    def only_shown(self) -> "Survey":
        """The same when drift is shown and not healed."""
        shown = {item.key for item in self.drifted}
        left = [item for item in self.work.items if item.key not in shown]
        return replace(self, work=replace(self.work, items=left))


def obstacles(goal: Goal, live: Live) -> tuple[Problem, ...]:
    """What keeps a whole commit from being delivered, before anything is compared."""
    return (*goal.wanted.problems, *goal.wanted.claims(live))


def survey(goal: Goal, judge: Judge, drift: Drift, failures: Failures) -> Survey:
    """Everything that is not as wanted."""
    live, wanted = judge.live, goal.wanted
    wanted.unstage()
    differing = wanted.items(wanted.manifests, live, drift.settled)
    rolling = find_rollouts(wanted, differing, live)
    held = rolling.held_services
    items = [item for item in differing if goal.service(item.key) not in held]
    unwanted = [item for item in wanted.unwanted(live) if item.key not in rolling.keeps]
    for progress in rolling.held:
        wanted.stage(given_up(progress, goal.scope, progress.why))
    is_recorded = recorded_commit(live, goal.scope) == goal.commit.id
    # Drift of the time when nobody looked is told once, not at every retry.
    is_first = not failures.count
    late = {"drifted", "adopted", "new"} if is_recorded else {"drifted"}
    drifted = [item for item in items if item.key in drift or (is_first and item.reason in late)]
    work = Work(
        items=items,
        unwanted=unwanted,
        secrets=[
            need for need in goal.bundle.secrets if not is_met(need, live.get(secret_key(need)))
        ],
        waits=failures.services | are_starting(goal.watched, judge),
        needs=goal.bundle.needs,
        watched=goal.watched,
        hooks=goal.hooks_to_run(live),
        tidies=bool(goal.wanted.hooks) or needs_tidying(live, goal),
        rolling=rolling,
        scope=goal.scope,
    )
    return Survey(
        work,
        tuple(drifted),
        blast_problem(unwanted, live, goal.scope),
        tuple(wanted.frozen(items, live)),
        is_recorded,
        tuple(differing),
        rolling.problems(),
    )
