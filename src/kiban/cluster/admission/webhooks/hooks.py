"""The webhooks of a cluster, which of them a write concerns, and where they are reached.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/generic.
"""

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.matching import (
    ADMISSION,
    covers,
    is_chosen,
    namespace_of,
    request_of,
)
from kiban.cluster.api.failures import forbidden
from kiban.cluster.networking.endpoints import SERVICE_NAME_LABEL, endpoints_of
from kiban.cluster.store import Store
from kiban.kube.expressions import WrongExpression, evaluate
from kiban.kube.objects import ENDPOINT_SLICE, SERVICE, GroupKind, Key, Manifest, labels_of

DEFAULT_SECONDS = 10
DEFAULT_PORT = 443
Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook of a configuration."""

    spec: Spec

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def is_lenient(self) -> bool:
        return self.spec.get("failurePolicy") == "Ignore"

    @property
    def seconds(self) -> int:
        return int(self.spec.get("timeoutSeconds") or DEFAULT_SECONDS)

    @property
    def authority(self) -> str:
        bundle = self.spec["clientConfig"].get("caBundle")
        return b64decode(bundle).decode(errors="replace") if bundle else ""

    @property
    def version(self) -> str:
        """The version of AdmissionReview that it is sent: the first that both know."""
        wanted = self.spec.get("admissionReviewVersions") or ["v1"]
        return next((version for version in wanted if version in ("v1", "v1beta1")), "v1")


def hooks_of(kind: GroupKind, attempt: Attempt) -> Iterator[Hook]:
    """The webhooks that may be asked about a write, in the order of the names of their
    configurations. Configurations of admission are no business of webhooks."""
    if attempt.call.consultation is None or attempt.info.group == ADMISSION:
        return
    for configuration in attempt.store.list(kind):
        for spec in configuration.get("webhooks") or ():
            yield Hook(spec)


def is_concerned(hook: Hook, attempt: Attempt, manifest: Manifest) -> bool:
    if not any(covers(rule, attempt) for rule in hook.spec.get("rules") or ()):
        return False
    return is_chosen(hook.spec, attempt, manifest) and _meets_conditions(hook, attempt, manifest)


def _meets_conditions(hook: Hook, attempt: Attempt, manifest: Manifest) -> bool:
    """One condition that says no is enough, even where another one fails."""
    conditions = hook.spec.get("matchConditions") or ()
    if not conditions:
        return True
    values = {
        "object": None if attempt.verb == "DELETE" else manifest,
        "oldObject": attempt.old,
        "request": request_of(attempt),
        "namespaceObject": namespace_of(attempt),
    }
    faults = []
    for condition in conditions:
        try:
            if not evaluate(condition.get("expression", ""), values):
                return False
        except WrongExpression as wrong:
            faults.append(
                f"expression '{condition.get('expression', '')}' resulted in error: {wrong}"
            )
    if faults and not hook.is_lenient:
        raise forbidden(attempt.info, attempt.name, ", ".join(faults))
    return not faults


# Where it is


@dataclass(frozen=True, slots=True)
class Place:
    """The URL of a webhook, the address behind it where that is another one, or why there is
    none."""

    url: str
    address: tuple[str, int] | None = None
    error: str = ""


def place_of(hook: Hook, store: Store) -> Place:
    config = hook.spec["clientConfig"]
    query = f"timeout={hook.seconds}s"
    if config.get("url"):
        url: str = config["url"]
        return Place(f"{url}{'&' if '?' in url else '?'}{query}")
    service = config["service"]
    name, namespace = service["name"], service["namespace"]
    port = service.get("port") or DEFAULT_PORT
    path = "/" + (service.get("path") or "").lstrip("/")
    url = f"https://{name}.{namespace}.svc:{port}{path}?{query}"
    found = store.get(Key(*SERVICE, namespace, name))
    if found is None:
        return Place(url, error=f'service "{name}" not found')
    ports = (found.get("spec") or {}).get("ports") or ()
    wanted = next((entry for entry in ports if entry.get("port") == port), None)
    if wanted is None:
        return Place(url, error=f'no service port {port} found for service "{name}"')
    slices = [
        entry
        for entry in store.list(ENDPOINT_SLICE, namespace)
        if labels_of(entry).get(SERVICE_NAME_LABEL) == name
    ]
    places = endpoints_of(wanted.get("name") or "", slices)
    if not places:
        return Place(url, error=f'no endpoints available for service "{name}"')
    return Place(url, address=places[0])
