"""Writes of a cluster as a timeline of facts, in the form of the recordings."""

import json
from typing import Any

from facts import READERS, pod_facts
from names import Aliases, Manifest, controller_of

NAMESPACE = "case"
Fact = dict[str, Any]


class Timeline:
    """Facts in the order in which they happened."""

    def __init__(self) -> None:
        self.aliases = Aliases()
        self.facts: list[Fact] = []
        self._last: dict[str, Any] = {}

    def add(self, t: float, what: str, name: str, **fields: Any) -> None:
        self.facts.append({"t": round(t, 3), "what": what, "name": name, **fields})

    def write(self, t: float, before: Manifest | None, after: Manifest | None) -> None:
        """Take in one write of the store."""
        manifest = after if after is not None else before
        assert manifest is not None
        kind = manifest["kind"]
        about = (manifest.get("involvedObject") or {}).get("kind", kind)
        if about != "Node" and manifest["metadata"].get("namespace") != NAMESPACE:
            return
        if kind == "Pod":
            self._pod(t, before, after)
        elif kind == "Event":
            self._event(t, after)
        elif kind in READERS:
            self._object(t, manifest, gone=after is None)

    def _object(self, t: float, manifest: Manifest, *, gone: bool) -> None:
        what, read = READERS[manifest["kind"]]
        name = self.aliases.learn(manifest)
        if gone:
            self.add(t, f"{what}.gone", name)
            return
        fields = read(manifest, self.aliases)
        uid = manifest["metadata"]["uid"]
        if self._last.get(uid) != fields:
            self._last[uid] = fields
            self.add(t, what, name, **fields)

    def _pod(self, t: float, before: Manifest | None, after: Manifest | None) -> None:
        manifest = after if after is not None else before
        assert manifest is not None
        name = self.aliases.learn(manifest)
        if before is None:
            self.add(t, "pod.created", name, **self._origin(manifest))
        if after is None:
            if "deletionTimestamp" not in manifest["metadata"]:
                # Deleted with no grace: watchers see both in the one event.
                self.add(t, "pod.terminating", name, grace=0)
            self.add(t, "pod.gone", name)
            return
        for what, fields in pod_facts(before, after):
            self.add(t, what, name, **fields)

    def _origin(self, pod: Manifest) -> Fact:
        owner = controller_of(pod)
        if owner is None:
            return {}
        alias = self.aliases.by_uid.get(owner["uid"], owner["name"])
        labels = pod["metadata"].get("labels") or {}
        found: Fact = {"owner": alias}
        if owner["kind"] in ("StatefulSet", "DaemonSet"):
            digest = labels.get("controller-revision-hash", "")
            if owner["kind"] == "DaemonSet":
                digest = f"{owner['name']}-{digest}"
            found["revision"] = self.aliases.revision(alias, digest)
        if (index := labels.get("batch.kubernetes.io/job-completion-index")) is not None:
            found["index"] = int(index)
        return found

    def _event(self, t: float, event: Manifest | None) -> None:
        if event is None:
            return
        about = event.get("involvedObject") or event.get("regarding") or {}
        if event.get("reason") == "RegisteredNode":
            # The recordings begin when nodes are known, and leave it out for later ones too.
            return
        alias = self.aliases.by_uid.get(about.get("uid", ""))
        if alias is None:
            alias = self.aliases.of(about.get("kind", ""), about.get("name", ""))
        fields: Fact = {
            "reason": event.get("reason", ""),
            "kind": about.get("kind"),
            "message": self.aliases.in_text(event.get("message") or event.get("note") or ""),
        }
        if event.get("type", "Normal") != "Normal":
            fields["type"] = event["type"]
        if event.get("count", 1) > 1:
            fields["count"] = event["count"]
        self.add(t, "event", alias, **fields)


def text_of(facts: list[Fact]) -> str:
    """One line a fact."""
    return "\n".join(json.dumps(fact) for fact in facts)
