"""Finds which services are to be, are being, or have failed to be taken over by new pods, from
what is wanted and what is there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from kiban.compiler.rollout import REVISION_LABEL
from kiban.delivery.changes import Item, Wanted
from kiban.delivery.live import Live
from kiban.delivery.marks import service_of
from kiban.delivery.progressive.policy import Policy, policy_of
from kiban.delivery.progressive.progress import (
    ABORTED,
    CANARY_OF,
    SINCE,
    STAGE,
    SUFFIX,
    WHY,
    Progress,
    revision_of,
)
from kiban.kube.objects import (
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    INGRESS,
    SERVICE,
    Key,
    Manifest,
    annotations_of,
    get_in,
    key_of,
    labels_of,
)
from kiban.primitives.instants import Instant
from kiban.primitives.problems import Place, Problem


@dataclass(frozen=True, slots=True)
class Rolling:
    """`going` are to be carried on, `held` failed before and wait for another commit. `leftovers`
    are Deployments of new pods that no longer become anything, by service."""

    going: tuple[Progress, ...] = ()
    held: tuple[Progress, ...] = ()
    leftovers: tuple[tuple[str, Key], ...] = ()

    @property
    def keeps(self) -> frozenset[Key]:
        """What must not be taken for something that Git no longer wants."""
        found: set[Key] = set()
        for one in (*self.going, *self.held):
            found.add(one.canary)
            found |= {
                key._replace(name=key.name + SUFFIX)
                for key in one.related
                if key.group_kind == SERVICE
            }
        return frozenset(found)

    @property
    def held_services(self) -> frozenset[str]:
        return frozenset(one.service for one in self.held)

    def problems(self) -> tuple[Problem, ...]:
        """What is to be said of rollouts that failed."""
        return tuple(
            Problem(
                "delivery/rollout-failed",
                f"{one.service} stays as it was: {one.why or 'its rollout failed'}",
                Place(thing=one.service),
                why=f"The new pods of {one.image} are gone, the old ones serve everything.",
                fix="Commit a fix, or roll back: kiban rollback " + one.service,
            )
            for one in self.held
        )


def find_rollouts(wanted: Wanted, items: Iterable[Item], live: Live) -> Rolling:
    """Every rollout there is to do something about."""
    changed = {item.key: item for item in items if item.key.group_kind == DEPLOYMENT}
    found = [one for key in sorted(changed) if (one := _progress(key, wanted, live)) is not None]
    known = {one.canary for one in found if one.has_canary}
    return Rolling(
        tuple(one for one in found if not one.why),
        tuple(one for one in found if one.why),
        tuple(
            (service_of(manifest), key)
            for manifest in live.of_kind(DEPLOYMENT)
            if service_of(manifest) in wanted.bundle.needs
            and (key := key_of(manifest)) not in known
            and CANARY_OF in annotations_of(manifest)
            and wanted.scope.may_prune(manifest)
        ),
    )


def _progress(key: Key, wanted: Wanted, live: Live) -> Progress | None:
    """How far a changed Deployment has come; None when it simply rolls."""
    desired, there = wanted.manifests[key], live.get(key)
    policy = policy_of(desired)
    if policy is None or there is None:
        return None
    related = dict(_related(desired, wanted))
    base = Progress(service_of(desired), policy, key, desired, there, related)
    canary = live.get(base.canary)
    if base.old == base.new:
        return _promoting(base, canary, live)
    if not _can_roll_gradually(base, policy):
        return None
    return _started(base, canary)


def _can_roll_gradually(base: Progress, policy: Policy) -> bool:
    """Old pods have to be there, and to be told apart where addresses keep to them."""
    available = get_in(base.live, "status", "availableReplicas", default=0)
    return available > 0 and bool(base.old or not policy.switches)


def _started(base: Progress, canary: Manifest | None) -> Progress:
    if canary is None or revision_of(canary) != base.new or CANARY_OF not in annotations_of(canary):
        return base
    notes = annotations_of(canary)
    stage, since = notes.get(STAGE, ""), notes.get(SINCE, "")
    if stage == ABORTED:
        why = notes.get(WHY) or "its rollout failed"
        return replace(base, why=why, has_canary=True)
    reached = int(stage) if stage.isdigit() else 0
    return replace(
        base,
        stage=min(reached, len(base.policy.shares) - 1),
        since=Instant(int(since)) if since.isdigit() else None,
        has_canary=True,
    )


def _promoting(base: Progress, canary: Manifest | None, live: Live) -> Progress | None:
    """A release that was found good, and whose pods were not taken over yet."""
    has_canary = canary is not None and revision_of(canary) == base.new
    is_kept = any(
        REVISION_LABEL in get_in(live.get(key) or {}, "spec", "selector", default={})
        for key in base.related
        if key.group_kind == SERVICE
    )
    if not (has_canary or is_kept):
        return None
    return replace(base, is_promoting=True, has_canary=has_canary)


def _related(deployment: Manifest, wanted: Wanted) -> Iterator[tuple[Key, Manifest]]:
    """The Services that choose its pods, the routes to these, and its autoscaler."""
    namespace, name = key_of(deployment).namespace, deployment["metadata"]["name"]
    labels = labels_of(deployment["spec"]["template"])
    here = [
        (key, one) for key, one in sorted(wanted.manifests.items()) if key.namespace == namespace
    ]
    services = {
        key.name
        for key, one in here
        if key.group_kind == SERVICE
        and (selector := get_in(one, "spec", "selector", default={}))
        and selector.items() <= labels.items()
    }
    for key, one in here:
        if (key.group_kind == SERVICE and key.name in services) or (
            key.group_kind == INGRESS and services & set(_backends(one))
        ):
            yield key, one
        elif key.group_kind == HORIZONTAL_POD_AUTOSCALER:
            target = get_in(one, "spec", "scaleTargetRef", default={})
            if (target.get("kind"), target.get("name")) == ("Deployment", name):
                yield key, one


def _backends(ingress: Manifest) -> Iterator[str]:
    for rule in get_in(ingress, "spec", "rules", default=[]):
        for path in get_in(rule, "http", "paths", default=[]):
            yield get_in(path, "backend", "service", "name", default="")
