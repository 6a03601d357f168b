from kiban.kube.objects import NODE, POD, get_in, key_of
from kiban.reconcile.commands import Bind
from kiban.reconcile.controller import NOTHING, Outcome


class Binder:
    name = "default-scheduler"
    watches = frozenset({POD})

    def interested(self, change, snapshot):
        return [change.key] if change.after and not get_in(change.after, "spec", "nodeName") else []

    def reconcile(self, key, snapshot, now):
        pod = snapshot.get(key)
        if pod is None or get_in(pod, "spec", "nodeName") or "deletionTimestamp" in pod["metadata"]:
            return NOTHING
        nodes = sorted(
            snapshot.list(NODE), key=lambda n: len(snapshot.on_node(n["metadata"]["name"]))
        )
        return Outcome((Bind(key, nodes[0]["metadata"]["name"], pod["metadata"]["uid"]),))
