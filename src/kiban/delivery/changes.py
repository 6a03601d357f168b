"""What separates a cluster from what Git wants, as values: what to apply, what to remove, what is
in the way.

Pure comparison of a bundle with the live state; nothing is asked of the API server, so an object
that is as wanted costs nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from kiban.compiler.bundle import Bundle
from kiban.delivery.autoscaled import autoscaled, without_replicas
from kiban.delivery.compare import missing_from, say_the_same
from kiban.delivery.frozen import frozen_fields, frozen_problem, may_be_frozen
from kiban.delivery.hooks import hook_problems, hooks_of, is_hook
from kiban.delivery.live import Live
from kiban.delivery.marks import APPLIED_ANNOTATION, Scope, claim_problem, marked
from kiban.delivery.yielding import without_fields
from kiban.kube.objects import SECRET, Key, Manifest, annotations_of, key_of
from kiban.primitives.differences import Difference, dotted
from kiban.primitives.problems import Problem

Reason = Literal["new", "changed", "drifted", "adopted", "unwanted"]

# A commit that removes more than this share of more than this many objects needs a person.
SHARE_LIMIT = 0.5
FEW_OBJECTS = 4


@dataclass(frozen=True, slots=True)
class Item:
    """One object that is not as wanted. `desired` is None for one that is to go."""

    key: Key
    reason: Reason
    desired: Manifest | None
    differences: tuple[Difference, ...] = ()

    @property
    def redirects(self) -> bool:
        """Whether it sends what comes in to other pods than now."""
        return any(entry.path[:2] == ("spec", "selector") for entry in self.differences)

    def __str__(self) -> str:
        if self.reason != "drifted" or not self.differences:
            return f"{self.key} ({self.reason})"
        # Paths only: a value may be a secret.
        paths = ", ".join(dotted(entry.path) for entry in self.differences[:3])
        more = f" and {len(self.differences) - 3} more" if len(self.differences) > 3 else ""
        return f"{self.key} ({paths}{more})"


# Differences that stayed after an apply, by key: the server's own writing of what was sent.
Settled = Mapping[Key, frozenset[str]]


class Wanted:
    """The bundle by key, each manifest with its marks; marked once, compared often."""

    def __init__(self, bundle: Bundle, scope: Scope, earlier: "Wanted | None" = None) -> None:
        self.bundle, self.scope = bundle, scope
        # Secrets that pods read and Git never holds; whoever made them, they stay.
        self.needed_secrets = frozenset(
            Key(SECRET.group, SECRET.kind, need.namespace, need.name) for need in bundle.secrets
        )
        self.manifests: dict[Key, Manifest] = {}
        # What the commit has for objects that a rollout wants otherwise for a while.
        self._unstaged: dict[Key, Manifest | None] = {}
        self._compiled: dict[Key, Manifest] = {}
        # What was compared last, and what came out: most changes of an object are of its status.
        self._compared: dict[Key, tuple[Manifest, tuple[Difference, ...]]] = {}
        # Workloads whose number of pods is an autoscaler's.
        self.autoscaled = autoscaled(bundle.manifests)
        for manifest in bundle.manifests:
            if not is_hook(manifest):
                self._add(manifest, earlier if earlier and earlier.scope == scope else None)
        self.hooks = {hook.key: hook for hook in hooks_of(bundle.manifests, scope)}
        # What is wrong with the commit itself, whatever the cluster has.
        self.problems = tuple(hook_problems(bundle.manifests))

    def _add(self, manifest: Manifest, earlier: "Wanted | None") -> None:
        """Mark an object, or take over what an earlier commit that wants the same has worked
        out."""
        key = key_of(manifest)
        self._compiled[key] = manifest
        if earlier is None or earlier._compiled.get(key) != manifest:
            self.manifests[key] = marked(manifest, self.scope)
            return
        self.manifests[key] = earlier.unstaged(key)
        is_same_scale = (key in self.autoscaled) == (key in earlier.autoscaled)
        if is_same_scale and key in earlier._compared and key not in earlier._unstaged:
            self._compared[key] = earlier._compared[key]

    def missing(self, key: Key, there: Manifest) -> tuple[Difference, ...]:
        """What of a wanted object is not so in a state of it."""
        desired, known = self.manifests[key], self._compared.get(key)
        if there == desired:
            return ()
        if known is not None and say_the_same(known[0], there, desired):
            found = known[1]
        else:
            found = missing_from(there, desired)
            found = without_replicas(found) if key in self.autoscaled else found
        self._compared[key] = (there, found)
        return found

    def item(self, key: Key, live: Live, settled: Settled) -> Item | None:
        """What is to be done about a wanted object, or None when it is as wanted."""
        desired, there = self.manifests[key], live.get(key)
        if there is None:
            return Item(key, "new", desired)
        found = self.missing(key, there)
        known = settled.get(key, frozenset())
        found = tuple(entry for entry in found if fingerprint(entry) not in known)
        if not found:
            return None
        applied = annotations_of(there).get(APPLIED_ANNOTATION)
        if applied is None:
            return Item(key, "adopted", desired, found)
        same = applied == annotations_of(desired)[APPLIED_ANNOTATION]
        return Item(key, "drifted" if same else "changed", desired, found)

    def items(self, keys: Iterable[Key], live: Live, settled: Settled) -> list[Item]:
        found = (self.item(key, live, settled) for key in sorted(keys) if key in self.manifests)
        return [item for item in found if item is not None]

    def unwanted(self, live: Live) -> list[Item]:
        """What was delivered for this environment and is no longer in Git."""
        return [
            Item(key, "unwanted", None)
            for manifest in live
            if (key := key_of(manifest)) not in self.manifests
            and key not in self.needed_secrets
            and self.scope.may_prune(manifest)
        ]

    def stage(self, changes: Mapping[Key, Manifest | None]) -> None:
        """Want objects otherwise for a while; None is as the commit has them, if it does."""
        for key, manifest in changes.items():
            original = self._unstaged.setdefault(key, self.manifests.get(key))
            wanted = manifest if manifest is not None else original
            self._compared.pop(key, None)
            if wanted is not None:
                self.manifests[key] = wanted
            else:
                self.manifests.pop(key, None)

    def unstage(self) -> None:
        """Want everything as the commit has it."""
        self.stage(dict.fromkeys(self._unstaged))
        self._unstaged.clear()

    def unstaged(self, key: Key) -> Manifest:
        """An object of the commit as the commit has it."""
        return self._unstaged.get(key) or self.manifests[key]

    def leave(self, key: Key, fields: Iterable[str]) -> Manifest:
        """Want these fields no longer, as they are another's; what is wanted instead."""
        self.manifests[key] = without_fields(self.manifests[key], fields)
        self._compared.pop(key, None)
        return self.manifests[key]

    def frozen(self, items: Iterable[Item], live: Live) -> list[Problem]:
        """Changes that the API server would refuse, of objects that must not be made anew."""
        found = []
        for item in items:
            there = live.get(item.key)
            if there is None or item.desired is None:
                continue
            if may_be_frozen(item.key.kind, item.differences):
                problem = frozen_problem(item.desired, frozen_fields(there, item.desired))
                found += [problem] if problem else []
        return found

    def claims(self, live: Live) -> list[Problem]:
        """Wanted objects that belong to somebody else."""
        found = []
        for key, desired in sorted(self.manifests.items()):
            there = live.get(key)
            if there is not None and (problem := claim_problem(desired, there, self.scope)):
                found.append(problem)
        return found


def fingerprint(difference: Difference) -> str:
    """A difference as a word: place and both values. Kept in memory only."""
    return f"{difference.path}:{difference.before!r}:{difference.after!r}"


def blast_problem(unwanted: list[Item], live: Live, scope: Scope) -> Problem | None:
    """What is wrong with a commit that would remove most of what runs."""
    owned = sum(1 for manifest in live if scope.may_prune(manifest))
    if owned <= FEW_OBJECTS or len(unwanted) <= owned * SHARE_LIMIT:
        return None
    names = ", ".join(str(item.key) for item in unwanted[:3])
    return Problem(
        "delivery/blast-radius",
        f"This commit would delete {len(unwanted)} of the {owned} objects of {scope.subject}: "
        f"{names} and more. Nothing is deleted.",
        why="So much at once is more often a mistake than a wish.",
        fix="If it is meant: kiban approve --deletions --env "
        f"{scope.environment} (or kiban up --allow-delete). Otherwise bring the files back.",
    )


def masked(key: Key, difference: Difference) -> Difference:
    """The difference as it may be shown: values of a Secret are hidden, whether equal or not."""
    if key.group_kind != SECRET or difference.path[:1] not in (("data",), ("stringData",)):
        return difference
    return Difference(difference.path, _hidden(difference.before), _hidden(difference.after))


def _hidden(value: object) -> object:
    return "(hidden)" if isinstance(value, str | dict | list) else value
