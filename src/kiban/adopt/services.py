"""One service of one environment, worked out: its fields, the patches that are left to say, and
which objects it accounts for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kiban.adopt.copies import Name
from kiban.adopt.folding import Leaf
from kiban.adopt.groups import Group
from kiban.adopt.meaning import compared
from kiban.adopt.placeholders import Words
from kiban.adopt.proposals import Fields, main_container
from kiban.adopt.residue import (
    Change,
    Prepared,
    applied,
    object_name,
    prepared,
    residue,
)
from kiban.compiler.patches import ANY
from kiban.kube.objects import Manifest


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a proposal compiles to, by kind, and the identities of what must go beside that."""

    objects: Mapping[str, Manifest]
    surplus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Worked:
    """The fields with their patches; `compiled` is what they are patches of."""

    fields: Fields
    compiled: Mapping[str, Manifest]
    result: Mapping[str, Manifest | None]
    words: Words
    covered: tuple[Name, ...] = ()
    patches: Mapping[str, tuple[Prepared, ...]] = field(default_factory=dict)
    # The same patch is weighed many times.
    _known: dict[str, bool] = field(default_factory=dict, compare=False)

    def harms(self, leaf: Leaf, value: Any) -> bool:
        """Whether one more field or patch, inherited, would change what comes out."""
        if leaf[0] != "patches" or len(leaf) == 1:
            return self._matters(leaf)
        question = f"{leaf[1]} {value!r}"
        if question not in self._known:
            self._known[question] = self._is_changed_by(leaf[1], value)
        return self._known[question]

    def _is_changed_by(self, key: str, value: Mapping[str, Any]) -> bool:
        kind, _, name = key.partition(" ")[0].partition("/")
        if name != ANY:
            # It would find nothing, and say so.
            return True
        if self.result.get(kind) is None:
            return False
        change = Change(key.partition(" ")[2], value.get("set"), bool(value.get("remove")))
        # What is inherited is applied first, before what the service says itself.
        first = prepared(key, change, self.words)
        return (
            applied(self.compiled[kind], (first, *self.patches.get(kind, ())))
            != (self.result[kind])
        )

    def _matters(self, leaf: Leaf) -> bool:
        """Whether the compiler asks for a field of such a service at all."""
        is_job = "schedule" in self.fields
        # A map of which nothing is left has no parts.
        part = leaf[1] if len(leaf) > 1 else ""
        if leaf[0] == "health":
            health = self.fields.get("health", {})
            asks = "port" in self.fields or "port" in health or "command" in health
            return not is_job and (asks or part in ("port", "command"))
        if leaf[0] == "scale":
            scale = self.fields.get("scale", {})
            is_fixed = scale.get("min") == scale.get("max")
            return not is_job and not (is_fixed and part not in ("min", "max"))
        return is_job or leaf[0] not in ("concurrency", "deadline", "retries", "timezone")


def worked_out(group: Group, fields: Fields, compiled: Compiled, words: Words) -> Worked | None:
    """The patches that make the originals of what was compiled; None when its workload cannot be
    made. What else cannot be is taken out, to be adopted as it is."""
    patches: dict[str, Change] = {}
    steps: dict[str, tuple[Prepared, ...]] = {}
    result: dict[str, Manifest | None] = {}
    covered: list[Name] = []
    main = str(main_container(group).get("name", ""))
    for kind, manifest in compiled.objects.items():
        original = group.objects.get(kind)
        found = _changes(kind, manifest, original, words, main)
        steps[kind] = _prepared(found or {}, words)
        made = applied(manifest, steps[kind]) if found is not None else None
        if original is None or found is None or made is None or compared(original, made):
            if kind == group.kind:
                return None
            found, made = {f"{kind}/{ANY}": Change("", removes=True)}, None
            steps[kind] = _prepared(found, words)
        else:
            covered.append(group.members[kind])
        patches |= found
        result[kind] = made
    patches |= {identity: Change("", removes=True) for identity in compiled.surplus}
    said = {key: change.as_field() for key, change in patches.items()}
    whole = {**fields, **({"patches": said} if said else {})}
    return Worked(whole, compiled.objects, result, words, tuple(covered), steps)


def _prepared(changes: Mapping[str, Change], words: Words) -> tuple[Prepared, ...]:
    return tuple(prepared(name, change, words) for name, change in changes.items())


def _changes(
    kind: str, manifest: Manifest, original: Manifest | None, words: Words, main: str
) -> dict[str, Change] | None:
    if original is None:
        return None
    found: dict[str, Change] = {}
    for change in residue(manifest, original, words, main):
        name = object_name(kind, change)
        if name in found:
            return None
        found[name] = change
    return found
