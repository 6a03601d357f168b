"""The same object in another version of its kind: HorizontalPodAutoscaler v1 and v2, Event in the
core group and in events.k8s.io. All other kinds are served in one version only.

Source: k8s.io/kubernetes/pkg/apis/events/v1/conversion.go.
"""

from kiban.kube.autoscaler_versions import autoscaler_to_v1, autoscaler_to_v2
from kiban.kube.objects import Manifest


def converted(manifest: Manifest, api_version: str) -> Manifest:
    """The manifest as its kind looks in `api_version`; itself when nothing has to change."""
    source, kind = manifest["apiVersion"], manifest["kind"]
    if source == api_version:
        return manifest
    if kind == "HorizontalPodAutoscaler":
        convert = autoscaler_to_v2 if api_version == "autoscaling/v2" else autoscaler_to_v1
        return {**convert(manifest), "apiVersion": api_version}
    if kind == "Event":
        names = _EVENT_FIELDS if source == "v1" else _CORE_EVENT_FIELDS
        moved = {names.get(key, key): value for key, value in manifest.items()}
        return {**moved, "apiVersion": api_version}
    return {**manifest, "apiVersion": api_version}


_EVENT_FIELDS = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_CORE_EVENT_FIELDS = {new: old for old, new in _EVENT_FIELDS.items()}
