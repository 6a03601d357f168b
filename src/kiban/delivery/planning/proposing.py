"""Makes the plan of a commit from two compilations of an environment: as it is, and as it would be.

The steps are those that a sync would make if the cluster were exactly as the first one says, made
by the same code; nothing is asked of a cluster, so the plan is the same on every machine.
"""

from collections.abc import Iterable
from dataclasses import replace

from kiban.compiler.bundle import Bundle
from kiban.delivery.changes import Wanted, blast_problem
from kiban.delivery.frozen import REPLACED_KINDS, frozen_between
from kiban.delivery.hooks import Hook, is_hook
from kiban.delivery.live import Live
from kiban.delivery.marks import KEPT_KINDS, Scope, marked, service_of
from kiban.delivery.messages import Commit, Follow, Listed
from kiban.delivery.planning.fields import FieldChange, field_changes
from kiban.delivery.planning.proposal import EnvironmentPlan, ObjectPlan, Stage
from kiban.delivery.promises import promised
from kiban.delivery.sync import RECORD, Work, plan_sync
from kiban.kube.objects import GroupKind, Manifest, key_of
from kiban.plans.plan import Plan
from kiban.primitives.graphs import waves

_WITH_PODS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


def proposed(
    before: Bundle | None, after: Bundle, *, allow_delete: bool = False
) -> EnvironmentPlan:
    """What delivering `after` does to a cluster that is as `before` wanted it.

    Without `before` the environment is new. `allow_delete` is what lifts the limit on deletions.
    """
    scope = Scope(after.platform, after.environment, after.cluster, after.namespace)
    live = _as_delivered(before.manifests if before else (), scope)
    wanted = Wanted(after, scope)
    known = Wanted(before or replace(after, manifests=()), scope)
    hooks = [hook for key, hook in wanted.hooks.items() if key not in known.hooks]
    items = wanted.items(wanted.manifests, live, {})
    unwanted = wanted.unwanted(live)
    objects = [_object(live.get(item.key), item.desired or {}) for item in items]
    objects += [_gone(live.get(item.key)) for item in unwanted]
    objects += _kept(live, wanted)
    objects += [_run(hook) for hook in hooks]
    work = Work(items=items, unwanted=unwanted, needs=after.needs, hooks=hooks)
    plan = plan_sync("proposed", scope.subject, Commit("proposed"), work).plan
    blast = None if allow_delete else blast_problem(unwanted, live, scope)
    return EnvironmentPlan(
        after.environment,
        after.cluster,
        tuple(objects),
        _stages(plan) if items or unwanted or hooks else (),
        (blast,) if blast else (),
        promised(known, wanted).hash,
    )


def _as_delivered(manifests: Iterable[Manifest], scope: Scope) -> Live:
    by_kind: dict[tuple[GroupKind, str], list[Manifest]] = {}
    for manifest in manifests:
        if is_hook(manifest):
            continue
        key = key_of(manifest)
        by_kind.setdefault((key.group_kind, key.namespace), []).append(marked(manifest, scope))
    live = Live()
    for (kind, namespace), found in sorted(by_kind.items(), key=lambda entry: entry[0]):
        live.listed(Listed(Follow(kind, namespace), found))
    return live


def _object(live: Manifest | None, desired: Manifest) -> ObjectPlan:
    key, service = key_of(desired), service_of(desired)
    if live is None:
        return ObjectPlan(key, "create", service)
    fields = field_changes(live, desired)
    frozen = frozen_between(live, desired)
    if frozen and key.group_kind in REPLACED_KINDS:
        return ObjectPlan(key, "replace", service, fields, why=frozen)
    if frozen:
        return ObjectPlan(key, "refuse", service, fields, why=frozen)
    return ObjectPlan(key, "change", service, fields, restarts=_restarts(desired, fields))


def _gone(live: Manifest | None) -> ObjectPlan:
    assert live is not None
    return ObjectPlan(key_of(live), "delete", service_of(live))


def _run(hook: Hook) -> ObjectPlan:
    owner = hook.service or "everything"
    when = {"before": "before", "after": "after", "failure": "if it fails:"}[hook.when]
    return ObjectPlan(hook.key, "run", hook.service, why=f"once, {when} {owner}")


def _kept(live: Live, wanted: Wanted) -> list[ObjectPlan]:
    """What is no longer wanted and yet stays, because what it holds is not in Git."""
    return [
        ObjectPlan(key_of(manifest), "keep", service_of(manifest), why="a commit never deletes it")
        for manifest in live
        if key_of(manifest).group_kind in KEPT_KINDS and key_of(manifest) not in wanted.manifests
    ]


def _restarts(desired: Manifest, fields: Iterable[FieldChange]) -> bool:
    return desired["kind"] in _WITH_PODS and any(
        change.path.startswith("spec.template") for change in fields
    )


def _stages(plan: Plan) -> tuple[Stage, ...]:
    words = {step.id: step.words for step in plan.steps if step.id != RECORD}
    order = waves({step.id: step.needs for step in plan.steps if step.id != RECORD})
    return tuple(Stage(tuple(words[step] for step in wave)) for wave in order)
