"""Nodes that do not exist yet: copies of a group's template, with the daemons that would run."""

from collections.abc import Sequence

from kiban.cluster.autoscaling.simulation import Trial
from kiban.cluster.controllers.daemon_set.placing import fit
from kiban.cluster.scheduler.node_info import HOSTNAME_LABEL, PodInfo, pod_info
from kiban.kube.objects import DAEMON_SET, Manifest, labels_of
from kiban.reconcile.controller import Snapshot


def named(template: Manifest, name: str) -> Manifest:
    """The template as the node of that name. Taints that only hold while a node starts are not
    on it."""
    metadata = template["metadata"]
    labels = {**labels_of(template), HOSTNAME_LABEL: name}
    spec = {**(template.get("spec") or {})}
    spec.pop("providerID", None)
    return {
        **template,
        "metadata": {**metadata, "name": name, "labels": labels},
        "spec": spec,
    }


def daemons_on(node: Manifest, snapshot: Snapshot) -> Sequence[PodInfo]:
    """A pod of every DaemonSet that would run there."""
    name = node["metadata"]["name"]
    found = []
    for daemon_set in snapshot.list(DAEMON_SET):
        if not fit(daemon_set, node).should_run:
            continue
        template = daemon_set["spec"]["template"]
        metadata = {
            "namespace": daemon_set["metadata"].get("namespace", ""),
            "name": f"{daemon_set['metadata']['name']}-on-{name}",
            "labels": (template.get("metadata") or {}).get("labels") or {},
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        found.append(pod_info(pod))
    return found


def put_template(trial: Trial, template: Manifest, name: str, snapshot: Snapshot) -> str:
    """Add a node of this kind with its daemons to a trial; its name."""
    node = named(template, name)
    trial.put_node(node)
    for pod in daemons_on(node, snapshot):
        trial.put_pod(pod, name)
    return name
