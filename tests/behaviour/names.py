"""The names that recordings use: random ones replaced by the order of creation.

`web#2` is the second set a Deployment made (or the second Job of a CronJob), `web#2/3` that set's
third pod, `db-0/2` the second pod of that name of a StatefulSet.
"""

import re
from typing import Any

Manifest = dict[str, Any]
_NUMBERED = {"ReplicaSet": "Deployment", "Job": "CronJob"}


class Aliases:
    """From an object's real identity to its name in the recording, and back."""

    def __init__(self) -> None:
        self.by_uid: dict[str, str] = {}
        self._by_name: dict[tuple[str, str], str] = {}
        self._real: dict[tuple[str, str], str] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._revisions: dict[tuple[str, str], str] = {}

    def learn(self, manifest: Manifest) -> str:
        """The alias of an object, given at its first sight."""
        uid = manifest["metadata"]["uid"]
        if uid not in self.by_uid:
            alias = self._new(manifest)
            self.by_uid[uid] = alias
            kind, name = manifest["kind"], manifest["metadata"]["name"]
            self._by_name[kind, name] = alias
            self._real[kind, alias] = name
        return self.by_uid[uid]

    def _new(self, manifest: Manifest) -> str:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        owner = _controller(manifest)
        if owner is None:
            return str(name)
        owner_alias = self.by_uid.get(owner["uid"], owner["name"])
        if kind in _NUMBERED and owner["kind"] == _NUMBERED[kind]:
            return f"{owner_alias}#{self._next(kind, owner_alias)}"
        if kind == "Pod" and owner["kind"] == "StatefulSet":
            return f"{name}/{self._next(kind, name)}"
        if kind == "Pod":
            return f"{owner_alias}/{self._next(kind, owner_alias)}"
        return str(name)

    def _next(self, kind: str, base: str) -> int:
        self._counts[kind, base] = self._counts.get((kind, base), 0) + 1
        return self._counts[kind, base]

    def revision(self, owner: str, digest: str) -> str:
        """`rev2` for the second revision seen of a StatefulSet or DaemonSet."""
        known = self._revisions.get((owner, digest))
        if known is None:
            known = self._revisions[owner, digest] = f"rev{self._next('revision', owner)}"
        return known

    def real(self, kind: str, alias: str) -> str:
        """The real name behind an alias."""
        return self._real.get((kind, alias), alias)

    def of(self, kind: str, name: str) -> str:
        """The alias of the object that has, or last had, a real name."""
        return self._by_name.get((kind, name), name)

    def in_text(self, text: str) -> str:
        """A text with every real name in it replaced."""
        for uid, alias in self.by_uid.items():
            text = text.replace(uid, f"uid of {alias}")
        pairs = {
            name: alias
            for (_, name), alias in self._by_name.items()
            if name != alias and not alias.startswith(f"{name}/")
        }
        for name in sorted(pairs, key=len, reverse=True):
            pattern = rf"(?<![a-z0-9-]){re.escape(name)}(?![a-z0-9])(?!-[a-z0-9])"
            text = re.sub(pattern, pairs[name], text)
        for (_, name), alias in sorted(self._by_name.items(), key=lambda pair: -len(pair[0][1])):
            # A pod that was refused never existed: only its set's name is known.
            text = re.sub(
                rf"(?<![a-z0-9-]){re.escape(name)}-[a-z0-9]{{5}}(?![a-z0-9-])", f"{alias}/?", text
            )
        return text


def _controller(manifest: Manifest) -> Manifest | None:
    references = manifest["metadata"].get("ownerReferences") or []
    return next((entry for entry in references if entry.get("controller")), None)


def controller_of(manifest: Manifest) -> Manifest | None:
    """The owner reference marked as controller."""
    return _controller(manifest)
