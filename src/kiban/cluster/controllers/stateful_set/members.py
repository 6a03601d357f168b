"""The pods of a StatefulSet as members of it: their ordinals, their state, how one is made."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kiban.cluster.controllers.controller_revisions import REVISION_HASH, template_of
from kiban.cluster.controllers.pods import (
    PodIdentity,
    is_available,
    is_ready,
    phase_of,
    pod_from_template,
)
from kiban.kube.objects import (
    PERSISTENT_VOLUME_CLAIM,
    Key,
    Manifest,
    get_in,
    labels_of,
)
from kiban.primitives.instants import Instant

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"
_ORDINAL = re.compile(r"(.*)-(\d+)")


def ordinal_of(pod: Manifest) -> int | None:
    """The number at the end of a member's name."""
    match = _ORDINAL.fullmatch(pod["metadata"]["name"])
    return int(match[2]) if match else None


def is_member(stateful_set: Manifest, pod: Manifest) -> bool:
    """Whether a pod's name is one of the set's."""
    match = _ORDINAL.fullmatch(pod["metadata"]["name"])
    return match is not None and match[1] == stateful_set["metadata"]["name"]


def ordinals_of(stateful_set: Manifest) -> range:
    """The ordinals that the set wants."""
    start = get_in(stateful_set, "spec", "ordinals", "start", default=0)
    size = stateful_set["spec"].get("replicas")
    return range(start, start + (1 if size is None else size))


def is_in_range(stateful_set: Manifest, pod: Manifest) -> bool:
    """Whether the set wants the member, by its ordinal."""
    return ordinal_of(pod) in ordinals_of(stateful_set)


def is_running_and_ready(pod: Manifest) -> bool:
    return phase_of(pod) == "Running" and is_ready(pod)


def is_running_and_available(pod: Manifest, min_ready_seconds: int, now: Instant) -> bool:
    return phase_of(pod) == "Running" and is_available(pod, min_ready_seconds, now)


def revision_name_of(pod: Manifest) -> str:
    """The name of the revision a member was made from."""
    return labels_of(pod).get(REVISION_HASH, "")


def member(stateful_set: Manifest, ordinal: int, revision: Manifest) -> Manifest:
    """The member of an ordinal, in a revision."""
    name = f"{stateful_set['metadata']['name']}-{ordinal}"
    labels = {
        POD_NAME: name,
        POD_INDEX: str(ordinal),
        REVISION_HASH: revision["metadata"]["name"],
    }
    pod = pod_from_template(template_of(revision), stateful_set, PodIdentity(name, labels=labels))
    spec = {
        **pod["spec"],
        "hostname": name,
        "subdomain": stateful_set["spec"].get("serviceName", ""),
    }
    claims = _claim_templates(stateful_set)
    if claims:
        own = [entry["metadata"]["name"] for entry in claims]
        kept = [entry for entry in spec.get("volumes") or [] if entry["name"] not in own]
        spec["volumes"] = [*kept, *(_volume(claim, name) for claim in own)]
    return {**pod, "spec": spec}


def _volume(claim: str, pod_name: str) -> dict[str, Any]:
    return {"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{pod_name}"}}


def _claim_templates(stateful_set: Manifest) -> Sequence[Manifest]:
    templates: list[Manifest] = stateful_set["spec"].get("volumeClaimTemplates") or []
    return templates


def claims_of(stateful_set: Manifest, pod: Manifest) -> list[Manifest]:
    """The storage claims that a member needs; they outlive it."""
    labels: Mapping[str, str] = get_in(stateful_set, "spec", "selector", "matchLabels", default={})
    return [
        {
            "apiVersion": "v1",
            "kind": PERSISTENT_VOLUME_CLAIM.kind,
            "metadata": {
                **template["metadata"],
                "name": f"{template['metadata']['name']}-{pod['metadata']['name']}",
                "namespace": stateful_set["metadata"].get("namespace", ""),
                "labels": {**labels_of(template), **labels},
            },
            "spec": template["spec"],
        }
        for template in _claim_templates(stateful_set)
    ]


def claim_key(claim: Manifest) -> Key:
    metadata = claim["metadata"]
    return Key(*PERSISTENT_VOLUME_CLAIM, metadata["namespace"], metadata["name"])
