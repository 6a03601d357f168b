"""The plan of a commit that is not merged yet, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kiban.delivery.planning.fields import FieldChange
from kiban.kube.objects import Key
from kiban.plans.records import Answer
from kiban.primitives.problems import Problem

# `replace`: deleted and made anew, because a field cannot be changed. `refuse`: such a field of an
# object that must not be deleted by a commit; the sync would fail. `keep`: no longer wanted, and
# never deleted by a commit.
# `run`: a hook, once for this release.
Action = Literal["create", "change", "replace", "refuse", "delete", "keep", "run"]


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """What happens to one object, and why if that is not plain."""

    key: Key
    action: Action
    service: str = ""
    fields: tuple[FieldChange, ...] = ()
    restarts: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """What may happen at the same time, when all stages before it are well."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnvironmentPlan:
    """One environment on one cluster. `hash` names the whole of what is done."""

    environment: str
    cluster: str
    objects: tuple[ObjectPlan, ...]
    stages: tuple[Stage, ...]
    problems: tuple[Problem, ...] = ()
    hash: str = ""

    @property
    def counts(self) -> Mapping[Action, int]:
        """How many objects, by action, those that are."""
        found: dict[Action, int] = {}
        for each in self.objects:
            found[each.action] = found.get(each.action, 0) + 1
        return found

    @property
    def restarted(self) -> tuple[ObjectPlan, ...]:
        return tuple(each for each in self.objects if each.restarts)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a rehearsal of an environment says of both revisions under the same dice.

    `answer` is the newer one's; `worse` are the expectations that only the older one meets,
    `differences` whatever else is another. `command` shows all of it.
    """

    environment: str
    scenario: str
    seeds: int
    answer: Answer
    worse: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    command: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan for every environment that a commit touches, and the findings that only it has.

    `unchanged` are the environments it does not touch, `left` those that it no longer mentions:
    what runs there stays as it is. `rehearsed` is None when nobody asked.
    """

    base: str
    head: str
    environments: tuple[EnvironmentPlan, ...]
    unchanged: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    new_findings: tuple[Problem, ...] = ()
    gone_findings: int = 0
    rehearsed: Rehearsed | None = None

    @property
    def trailers(self) -> tuple[str, ...]:
        """The lines that hold the syncs to these plans, once they stand in the merge commit's
        message."""
        names = [plan.environment for plan in self.environments]
        return tuple(
            f"Kiban-Plan: {_where(plan, alone=names.count(plan.environment) == 1)} {plan.hash}"
            for plan in self.environments
        )

    @property
    def is_deliverable(self) -> bool:
        """Whether nothing stands in the way of any environment, and no rehearsal says that it
        would do worse."""
        if self.rehearsed is not None and self.rehearsed.worse:
            return False
        return not any(plan.problems or "refuse" in plan.counts for plan in self.environments)

    def as_data(self) -> dict[str, Any]:
        """For machines."""
        return {
            "format": 1,
            "base": self.base,
            "head": self.head,
            "environments": [_environment(plan) for plan in self.environments],
            "unchanged": list(self.unchanged),
            "left": list(self.left),
            "newFindings": [problem.as_data() for problem in self.new_findings],
            "goneFindings": self.gone_findings,
            "rehearsed": _rehearsed(self.rehearsed) if self.rehearsed else None,
            "trailers": list(self.trailers),
            "deliverable": self.is_deliverable,
        }


def _where(plan: EnvironmentPlan, *, alone: bool) -> str:
    return plan.environment if alone else f"{plan.environment}@{plan.cluster}"


def _environment(plan: EnvironmentPlan) -> dict[str, Any]:
    return {
        "environment": plan.environment,
        "cluster": plan.cluster,
        "hash": plan.hash,
        "counts": dict(plan.counts),
        "objects": [_object(each) for each in plan.objects],
        "stages": [list(stage.words) for stage in plan.stages],
        "problems": [problem.as_data() for problem in plan.problems],
    }


def _rehearsed(said: Rehearsed) -> dict[str, Any]:
    return {
        "environment": said.environment,
        "scenario": said.scenario,
        "seeds": said.seeds,
        "answer": said.answer,
        "worse": list(said.worse),
        "differences": list(said.differences),
        "command": said.command,
    }


def _object(each: ObjectPlan) -> dict[str, Any]:
    return {
        "object": str(each.key),
        "action": each.action,
        "service": each.service,
        "restarts": each.restarts,
        "why": each.why,
        "fields": _fields(each.fields),
    }


def _fields(changes: Sequence[FieldChange]) -> list[dict[str, Any]]:
    return [
        {"path": change.path, "before": change.before, "after": change.after}
        for change in changes
    ]  # fmt: skip
