"""The proof of an adoption: every original object beside what the specs compile to, by meaning,
and every pod template field by field, because what changes there restarts what runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kiban.adopt.copies import Copy, Name, template_of
from kiban.adopt.meaning import canonical, compared, completed, unmarked
from kiban.compiler.bundle import Bundle
from kiban.compiler.overlays import shape_for
from kiban.kube.objects import Manifest
from kiban.primitives.differences import Difference, differences, dotted

HIDDEN = "(hidden)"
Kind = Literal["changed", "missing", "added", "repeated", "unread"]
TWICE = "is there more than once, and not the same; the last one holds"
NAMELESS = "gets another name each time it is created (generateName), so no repo can keep it"
RUNNING = frozenset(
    ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "ReplicaSet", "Pod")
)


@dataclass(frozen=True, slots=True)
class Deviation:
    """An object that does not come back as it was. `name` is what `--accept` takes."""

    kind: Kind
    environment: str
    object: Name
    differences: tuple[Difference, ...] = ()
    why: str = ""

    @property
    def name(self) -> str:
        return f"{self.object}@{self.environment}"

    def is_accepted(self, names: Iterable[str]) -> bool:
        """By its full name, by that of the object in every environment, or by `all`."""
        return any(one in (self.name, str(self.object), "all") for one in names)

    def lines(self) -> list[str]:
        """One line for the object, one for each field."""
        head = f"{self.name}: {self.why or self.kind}"
        secret = self.object.kind == "Secret"
        shown = [
            f"  {dotted(one.path)}: "
            + (HIDDEN if secret else f"{_shown(one.before)} -> {_shown(one.after)}")
            for one in self.differences
        ]
        return [head, *shown]


@dataclass(frozen=True, slots=True)
class Restart:
    """A workload whose pods would be replaced when it is taken over, and why."""

    environment: str
    object: Name
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was compared and how it came out."""

    objects: int
    deviations: tuple[Deviation, ...]
    added: tuple[Deviation, ...]
    workloads: int
    restarts: tuple[Restart, ...]

    @property
    def same(self) -> int:
        """How many objects compile back to what they mean."""
        return self.objects - sum(one.kind in ("changed", "missing") for one in self.deviations)

    def standing(self, accepted: Iterable[str]) -> tuple[Deviation, ...]:
        """The deviations that nobody has accepted."""
        names = tuple(accepted)
        return tuple(one for one in self.deviations if not one.is_accepted(names))


def proved(copies: Sequence[Copy], bundles: Mapping[str, Bundle]) -> Proof:
    """Compare every object of every copy with the bundle of its environment."""
    deviations: list[Deviation] = []
    added: list[Deviation] = []
    restarts: list[Restart] = []
    objects = workloads = 0
    for copy in copies:
        made = _by_name(copy, bundles[copy.environment])
        objects += len(copy.objects)
        for name, original in copy.objects.items():
            compiled = made.pop(name, None)
            if compiled is None:
                reason = NAMELESS if name in copy.nameless else ""
                deviations.append(Deviation("missing", copy.environment, name, why=reason))
                continue
            if found := compared(original, compiled):
                deviations.append(Deviation("changed", copy.environment, name, tuple(found)))
            if name.kind in RUNNING:
                workloads += 1
                if why := restart_reasons(original, compiled):
                    restarts.append(Restart(copy.environment, name, why))
        deviations += [
            Deviation("repeated", copy.environment, name, why=TWICE)
            for name in copy.repeated
            if name not in copy.nameless
        ]
        deviations += [
            Deviation("unread", copy.environment, Name("", "File", "", path), why=why)
            for path, why in sorted(copy.unread.items())
        ]
        added += [Deviation("added", copy.environment, name) for name in made]
    return Proof(objects, tuple(deviations), tuple(added), workloads, tuple(restarts))


def restart_reasons(original: Manifest, compiled: Manifest) -> tuple[str, ...]:
    """The fields of the pod template that differ; entries of lists are compared by name, as an
    object that is delivered keeps the order of the one that runs."""
    # The labels of a Pod are its own, and change in place.
    sides = (original, unmarked(compiled, original))
    before, after = (template_of(completed(one)) for one in sides)
    # A job's pods are not replaced; the next ones are as the template says then.
    shape = shape_for(original)
    for step in _template_path(original["kind"]):
        shape = shape.child(step) or shape
    found = differences(canonical(before, shape), canonical(after, shape))
    return tuple(
        f"{dotted(one.path)}: {_shown(one.before)} -> {_shown(one.after)}" for one in found
    )


def _template_path(kind: str) -> tuple[str, ...]:
    if kind == "CronJob":
        return ("spec", "jobTemplate", "spec", "template")
    return () if kind == "Pod" else ("spec", "template")


def _by_name(copy: Copy, bundle: Bundle) -> dict[Name, Manifest]:
    """What was compiled, under the names that the copy uses."""
    found: dict[Name, Manifest] = {}
    for manifest in bundle.manifests:
        key = copy.name_of(manifest)
        space = "" if key.namespace == bundle.namespace else key.namespace
        found[Name(key.group, key.kind, space, key.name)] = manifest
    return found


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, str) else value
    return text if len(text) <= 60 else f"{text[:57]}..."
