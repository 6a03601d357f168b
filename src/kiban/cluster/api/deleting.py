"""Deleting an object: grace, finalizers, propagation, preconditions.

Source: k8s.io/apiserver/pkg/registry/rest/delete.go and generic/registry/store.go; B1.6 of the
reference.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.api.calls import Call, DeleteOptions
from kiban.cluster.api.customs import DEFINITION
from kiban.cluster.api.failures import Failure, not_found
from kiban.cluster.api.registry import Registry
from kiban.cluster.api.strategies import strategy_of
from kiban.cluster.definitions import CLEANUP, terminating
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import NAMESPACE, POD, Key, Manifest, get_in, is_deleting, replaced
from kiban.primitives.instants import later, parse_rfc3339, rfc3339, seconds_between

ORPHAN_FINALIZER = "orphan"
FOREGROUND_FINALIZER = "foregroundDeletion"
DEFAULT_POD_GRACE_SECONDS = 30
# Deleted by rules of their own, which neither know grace nor count it as a change.
_OWN_WAYS = (NAMESPACE, DEFINITION)


def delete(
    registry: Registry, info: KindInfo, key: Key, options: DeleteOptions, call: Call
) -> tuple[Manifest, bool]:
    """Delete an object, or ask it to go: its last state, and whether it is gone now."""
    live = registry.store.get(key)
    if live is None:
        raise not_found(info, key.name)
    check_preconditions(info, key, options, live)
    attempt = Attempt("DELETE", info, key.namespace, key.name, live, call, registry.store)
    registry.admissions.review(attempt, registry.admissions.admitted(attempt, live))
    new = _asked_to_go(info, live, options, call)
    if new["metadata"].get("finalizers") or _is_graceful(info, new) or _has_contents(info, new):
        if new == live or call.dry_run:
            return new, False
        return registry.store.put(new), False
    final = new if info.group_kind == POD else live
    if call.dry_run:
        return final, True
    removed = registry.store.remove(key)
    version = removed["metadata"]["resourceVersion"]
    return replaced(final, ("metadata", "resourceVersion"), version), True


def check_preconditions(info: KindInfo, key: Key, options: DeleteOptions, live: Manifest) -> None:
    """Raise `Failure` 409 when the object is another one, or in another state, than was meant."""
    present = live["metadata"]
    for said, asked, there, suspicion in (
        ("UID", options.uid, present["uid"], "deleted and then recreated"),
        (
            "ResourceVersion",
            options.resource_version,
            present["resourceVersion"],
            "modified",
        ),
    ):
        if asked is not None and asked != there:
            why = (
                f"the {said} in the precondition ({asked}) does not match the {said} in record "
                f"({there}). The object might have been {suspicion}"
            )
            raise Failure(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on {info.kind} "{key.name}": {why}',
                {"name": key.name, "kind": info.kind},
            )


def _asked_to_go(info: KindInfo, live: Manifest, options: DeleteOptions, call: Call) -> Manifest:
    """The live object with deletion time, grace and the finalizers that the policy adds."""
    metadata = dict(live["metadata"])
    finalizers = _finalizers(info, live, options)
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    grace = _grace_seconds(info, live, options)
    if not is_deleting(live):
        metadata["deletionTimestamp"] = rfc3339(later(call.now, grace))
        if info.group_kind not in _OWN_WAYS:
            metadata["deletionGracePeriodSeconds"] = grace
        if "generation" in metadata and info.group_kind not in _OWN_WAYS:
            metadata["generation"] += 1
    elif grace < metadata.get("deletionGracePeriodSeconds", 0):
        began = later(
            parse_rfc3339(metadata["deletionTimestamp"]), -metadata["deletionGracePeriodSeconds"]
        )
        ends = later(call.now, min(grace, max(0, grace - seconds_between(began, call.now))))
        metadata["deletionTimestamp"] = rfc3339(ends if grace else call.now)
        metadata["deletionGracePeriodSeconds"] = grace
    new = {**live, "metadata": metadata}
    if info.group_kind == NAMESPACE:
        new["status"] = {**live.get("status", {}), "phase": "Terminating"}
    if info.group_kind == DEFINITION:
        new["status"] = terminating(live, call.now)
        held = metadata.get("finalizers") or []
        if CLEANUP not in held and not is_deleting(live):
            # Its objects go first.
            metadata["finalizers"] = [*held, CLEANUP]
    return new


def _finalizers(info: KindInfo, live: Manifest, options: DeleteOptions) -> list[str]:
    present: list[str] = list(live["metadata"].get("finalizers") or ())
    wanted = _propagation_finalizer(info, present, options)
    kept = [name for name in present if name not in (ORPHAN_FINALIZER, FOREGROUND_FINALIZER)]
    if wanted and wanted in present:
        return present if set(present) - set(kept) == {wanted} else [*kept, wanted]
    return [*kept, wanted] if wanted else kept


def _propagation_finalizer(info: KindInfo, present: list[str], options: DeleteOptions) -> str:
    if options.orphan_dependents is not None:
        return ORPHAN_FINALIZER if options.orphan_dependents else ""
    if options.propagation:
        return {"Orphan": ORPHAN_FINALIZER, "Foreground": FOREGROUND_FINALIZER}.get(
            options.propagation, ""
        )
    for name in (ORPHAN_FINALIZER, FOREGROUND_FINALIZER):
        if name in present:
            return name
    return ORPHAN_FINALIZER if strategy_of(info).orphan_by_default else ""


def _grace_seconds(info: KindInfo, live: Manifest, options: DeleteOptions) -> int:
    if info.group_kind != POD:
        return 0
    if not get_in(live, "spec", "nodeName") or _is_finished(live):
        return 0
    grace = options.grace_seconds
    if grace is None:
        grace = get_in(
            live, "spec", "terminationGracePeriodSeconds", default=DEFAULT_POD_GRACE_SECONDS
        )
    return 1 if grace < 0 else grace


def _is_finished(pod: Manifest) -> bool:
    return get_in(pod, "status", "phase") in ("Succeeded", "Failed")


def _is_graceful(info: KindInfo, new: Manifest) -> bool:
    return info.group_kind == POD and bool(new["metadata"].get("deletionGracePeriodSeconds"))


def _has_contents(info: KindInfo, new: Manifest) -> bool:
    """A namespace stays until its controller has emptied its list of finalizers."""
    return info.group_kind == NAMESPACE and bool(get_in(new, "spec", "finalizers"))
