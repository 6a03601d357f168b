"""Jobs that run once for each release: before a service changes, after it is well, or when it
failed. A migration is the usual one.

A Job is a hook by the annotation `kiban.dev/hook`. Its name gets the hash of what it is and of the
images it belongs to, so "has it run?" is answered by the cluster: by the Job itself, which a
finalizer keeps until its result was written down, and then by the record of the delivery.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from kiban.compiler.bundle import HOOK_ANNOTATION, HOOK_DELETE_ANNOTATION
from kiban.delivery.marks import HOOK_NAME_ANNOTATION, Scope, marked, service_of
from kiban.kube.objects import (
    JOB,
    Key,
    Manifest,
    annotations_of,
    condition_of,
    get_in,
    is_deleting,
    is_true,
    key_of,
    replaced,
)
from kiban.primitives.canonical import digest
from kiban.primitives.instants import later, parse_rfc3339
from kiban.primitives.problems import Place, Problem

# Keeps a Job that is over from going before its result was read.
HOOK_FINALIZER = "kiban.dev/hook"

When = Literal["before", "after", "failure"]
# When the Job goes: with the next release, when it succeeded, when it is over, never.
Deletion = Literal["superseded", "success", "always", "never"]
MOMENTS: tuple[str, ...] = ("before", "after", "failure")
DELETIONS: tuple[str, ...] = ("superseded", "success", "always", "never")

_HASH_BYTES = 4
_NAME_LIMIT = 63
_IMAGE_PATHS = (
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
    ("spec",),
)


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook of one release. `manifest` is the Job as it is applied."""

    name: str
    when: When
    service: str
    key: Key
    manifest: Manifest

    @property
    def step(self) -> str:
        owner = f"{self.service}/" if self.service else ""
        return f"hook:{owner}{self.name}"


def is_hook(manifest: Manifest) -> bool:
    return HOOK_ANNOTATION in annotations_of(manifest)


def hooks_of(manifests: Sequence[Manifest], scope: Scope) -> tuple[Hook, ...]:
    """The hooks among the manifests of a commit, by name; those with a problem left out."""
    jobs = [one for one in manifests if is_hook(one) and hook_problem(one) is None]
    images = _images(manifests)
    found = [_hook(job, images, scope) for job in jobs]
    return tuple(sorted(found, key=lambda hook: (hook.service, hook.name)))


def hook_problems(manifests: Iterable[Manifest]) -> list[Problem]:
    """What is wrong with the hooks among the manifests."""
    found = (hook_problem(manifest) for manifest in manifests if is_hook(manifest))
    return [problem for problem in found if problem is not None]


def hook_problem(manifest: Manifest) -> Problem | None:
    """What is wrong with a hook as it is written."""
    key, notes = key_of(manifest), annotations_of(manifest)
    when, deletion = notes[HOOK_ANNOTATION], notes.get(HOOK_DELETE_ANNOTATION, DELETIONS[0])
    place = Place(thing=str(key))
    if key.group_kind != JOB:
        what, fix = f"{key} cannot be a hook: only a Job ends.", "make it a Job"
    elif when not in MOMENTS:
        what = f"{HOOK_ANNOTATION} is {when!r}, which is no moment."
        fix = f"use one of: {', '.join(MOMENTS)}"
    elif deletion not in DELETIONS:
        what = f"{HOOK_DELETE_ANNOTATION} is {deletion!r}, which says nothing."
        fix = f"use one of: {', '.join(DELETIONS)}"
    else:
        return None
    return Problem("delivery/bad-hook", what, place, fix=fix)


def outcome(job: Manifest | None) -> Literal["absent", "running", "done", "failed"]:
    """How far the Job of a hook is. One that a person deletes shall run again; one whose time to
    live ran out has the result that it had."""
    if job is None or (is_deleting(job) and not has_expired(job)):
        return "absent"
    if is_true(job, "Complete"):
        return "done"
    return "failed" if is_true(job, "Failed") else "running"


def has_expired(job: Manifest) -> bool:
    """Whether it is deleted because its `ttlSecondsAfterFinished` is over."""
    seconds = get_in(job, "spec", "ttlSecondsAfterFinished")
    deleted = job["metadata"].get("deletionTimestamp")
    if seconds is None or not deleted:
        return False
    ends = [
        entry.get("lastTransitionTime")
        for entry in get_in(job, "status", "conditions", default=[])
        if entry.get("type") in ("Complete", "Failed") and entry.get("status") == "True"
    ]
    return any(end and later(parse_rfc3339(end), seconds) <= parse_rfc3339(deleted) for end in ends)


def is_over(job: Manifest) -> bool:
    return is_true(job, "Complete") or is_true(job, "Failed")


def failure_text(job: Manifest) -> str:
    """Why a Job failed, in the words of Kubernetes."""
    failed = condition_of(job, "Failed") or {}
    said = (failed.get("reason"), failed.get("message"))
    return ": ".join(text for text in said if text)


def owned_hooks(jobs: Iterable[Manifest], scope: Scope) -> list[Manifest]:
    """Of the Jobs of a cluster, those of the hooks of any release."""
    return [one for one in jobs if HOOK_NAME_ANNOTATION in annotations_of(one) and scope.owns(one)]


def goes_when_over(job: Manifest, current: Mapping[Key, Hook]) -> bool:
    """Whether the Job of a hook that is over is to be deleted, as its policy says."""
    policy = cast(Deletion, annotations_of(job).get(HOOK_DELETE_ANNOTATION, DELETIONS[0]))
    match policy:
        case "never":
            return False
        case "always":
            return True
        case "success":
            return is_true(job, "Complete") or key_of(job) not in current
        case "superseded":
            return key_of(job) not in current


def _hook(job: Manifest, images: Mapping[str, list[str]], scope: Scope) -> Hook:
    service, name = service_of(job), job["metadata"]["name"]
    when = annotations_of(job)[HOOK_ANNOTATION]
    release = {"job": job, "images": images.get(service, []) if service else images}
    suffix = digest(release, _HASH_BYTES)
    full = f"{name[: _NAME_LIMIT - len(suffix) - 1].rstrip('-.')}-{suffix}"
    notes = {**annotations_of(job), HOOK_NAME_ANNOTATION: name}
    metadata = {
        **job["metadata"],
        "name": full,
        "annotations": notes,
        "finalizers": [*(job["metadata"].get("finalizers") or ()), HOOK_FINALIZER],
    }
    manifest = marked(replaced(job, ["metadata"], metadata), scope)
    return Hook(name, cast(When, when), service, key_of(manifest), manifest)


def _images(manifests: Iterable[Manifest]) -> dict[str, list[str]]:
    """The images of each service's own workloads: together with its hooks, a release."""
    found: dict[str, list[str]] = {}
    for manifest in manifests:
        if is_hook(manifest):
            continue
        for path in _IMAGE_PATHS:
            containers = get_in(manifest, *path, "containers", default=[])
            names = [one.get("image", "") for one in containers if isinstance(one, dict)]
            found.setdefault(service_of(manifest), []).extend(names)
    return {service: sorted(names) for service, names in sorted(found.items())}
