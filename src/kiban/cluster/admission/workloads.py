"""What workloads and claims get besides their defaults, because it needs the object's own identity
or its old state.

Sources: kubernetes/pkg/registry/{batch/job,apps/daemonset}/strategy.go and
kubernetes/plugin/pkg/admission/storage/storageobjectinuseprotection.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.kube.objects import (
    DAEMON_SET,
    JOB,
    PERSISTENT_VOLUME_CLAIM,
    GroupKind,
    Manifest,
    get_in,
    replaced,
)

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
PERSISTENT_VOLUME = GroupKind("", "PersistentVolume")
PROTECTION = {
    PERSISTENT_VOLUME_CLAIM: "kubernetes.io/pvc-protection",
    PERSISTENT_VOLUME: "kubernetes.io/pv-protection",
}


def give_job_its_selector(attempt: Attempt, job: Manifest) -> Manifest:
    """A Job selects the pods that carry its uid, unless its author chose the selector."""
    if attempt.info.group_kind != JOB or attempt.verb != "CREATE":
        return job
    if get_in(job, "spec", "manualSelector"):
        return job
    uid, name = job["metadata"]["uid"], job["metadata"].get("name", "")
    marks = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    template = job["spec"].get("template") or {}
    labels = {**(get_in(template, "metadata", "labels", default={})), **marks}
    selector = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    spec = {
        **job["spec"],
        "selector": job["spec"].get("selector") or selector,
        "template": replaced(template, ("metadata", "labels"), labels),
    }
    if "labels" not in job["metadata"]:
        # The defaults copy the template's labels to the Job itself, marks included.
        job = replaced(job, ("metadata", "labels"), labels)
    return {**job, "spec": spec}


def count_daemon_set_templates(attempt: Attempt, daemon_set: Manifest) -> Manifest:
    """The old way to tell pods of one template from those of another."""
    if attempt.info.group_kind != DAEMON_SET or attempt.verb == "DELETE" or attempt.subresource:
        return daemon_set
    number = 1
    if attempt.old is not None:
        number = int(get_in(attempt.old, "metadata", "annotations", TEMPLATE_GENERATION, default=1))
        number += attempt.old["spec"].get("template") != daemon_set["spec"].get("template")
    return replaced(daemon_set, ("metadata", "annotations", TEMPLATE_GENERATION), str(number))


def protect_storage(attempt: Attempt, manifest: Manifest) -> Manifest:
    """Claims and volumes stay until nobody uses them."""
    finalizer = PROTECTION.get(attempt.info.group_kind)
    if finalizer is None or attempt.verb != "CREATE":
        return manifest
    present = manifest["metadata"].get("finalizers") or []
    if finalizer in present:
        return manifest
    return replaced(manifest, ("metadata", "finalizers"), [*present, finalizer])
