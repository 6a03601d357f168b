"""Requests for certificates: whose they are, what they ask for, and who may decide on them.

Sources: kubernetes/pkg/registry/certificates/certificates/strategy.go, pkg/apis/certificates/
validation and plugin/pkg/admission/certificates/{approval,signing,subjectrestriction}.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.api.failures import Cause, forbidden, invalid, required, wrong_value
from kiban.cluster.authorization.rights import ADMINISTRATORS, may
from kiban.cluster.authorization.roles import Wish
from kiban.cluster.certificates import CertificateSigner
from kiban.kube.objects import GroupKind, Manifest, get_in
from kiban.primitives.instants import Instant, rfc3339

GROUP = "certificates.k8s.io"
CERTIFICATE_REQUEST = GroupKind(GROUP, "CertificateSigningRequest")
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"
SHORTEST_SECONDS = 600
# What is decided is never taken back.
_DECISIONS = ("Approved", "Denied")


class CertificateRequests:
    """The admission of certificate requests. Without a signer they are kept, and never read."""

    def __init__(self, signer: CertificateSigner | None) -> None:
        self._signer = signer

    def __call__(self, attempt: Attempt, manifest: Manifest) -> Manifest:
        if attempt.info.group_kind != CERTIFICATE_REQUEST or attempt.verb == "DELETE":
            return manifest
        if attempt.old is None:
            return self._created(attempt, manifest)
        # What is asked for is settled.
        manifest = {**manifest, "spec": attempt.old["spec"]}
        if attempt.subresource == "approval":
            return _decided(attempt, manifest, attempt.old)
        if attempt.subresource == "status":
            return _signed(attempt, manifest, attempt.old)
        return manifest

    def _created(self, attempt: Attempt, manifest: Manifest) -> Manifest:
        spec = dict(manifest.get("spec") or {})
        user = attempt.call.user
        for name in ("uid", "extra"):
            spec.pop(name, None)
        spec.update(username=user.name, groups=list(user.groups))
        if user.uid:
            spec["uid"] = user.uid
        causes = _causes(spec)
        subject = None
        if self._signer is not None and not causes:
            subject = self._signer.subject_of(spec["request"])
            if subject is None:
                why = "PEM block type must be CERTIFICATE REQUEST"
                causes = [wrong_value("spec.request", f'"{spec["request"]}"', why)]
        if causes:
            raise invalid(attempt.info, attempt.name, causes)
        if (
            subject is not None
            and spec["signerName"] == CLIENT_SIGNER
            and ADMINISTRATORS in subject.organizations
        ):
            why = f"use of {CLIENT_SIGNER} signer with {ADMINISTRATORS} group is not allowed"
            raise forbidden(attempt.info, attempt.name, why)
        return {**manifest, "spec": spec}


def _causes(spec: Manifest) -> list[Cause]:
    found = []
    if not spec.get("request"):
        found.append(required("spec.request"))
    if not spec.get("usages"):
        found.append(required("spec.usages"))
    signer = spec.get("signerName") or ""
    if not signer:
        found.append(required("spec.signerName"))
    elif "/" not in signer:
        why = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        found.append(wrong_value("spec.signerName", f'"{signer}"', why))
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < SHORTEST_SECONDS:
        why = "may not specify a duration less than 600 seconds (10 minutes)"
        found.append(wrong_value("spec.expirationSeconds", str(seconds), why))
    return found


def _decided(attempt: Attempt, manifest: Manifest, old: Manifest) -> Manifest:
    """The old state with new conditions, by somebody who may decide for the signer."""
    conditions = get_in(manifest, "status", "conditions", default=[])
    if _decisions(conditions) != _decisions(get_in(old, "status", "conditions", default=[])):
        _check_right(attempt, "approve")
    types = [condition["type"] for condition in conditions]
    missing = [kind for kind in _types(old) if kind not in types]
    if missing:
        _refuse(attempt, f"updates may not remove a condition of type {missing[0]!r}")
    if all(decision in types for decision in _DECISIONS):
        _refuse(attempt, "Approved and Denied conditions are mutually exclusive")
    now = attempt.call.now
    status = {**(old.get("status") or {}), "conditions": _dated(conditions, now)}
    return {**old, "metadata": manifest["metadata"], "status": status}


def _signed(attempt: Attempt, manifest: Manifest, old: Manifest) -> Manifest:
    """The new status, with the decisions as they were; a certificate needs the right to sign."""
    status = dict(manifest.get("status") or {})
    before = old.get("status") or {}
    if status.get("certificate") != before.get("certificate"):
        _check_right(attempt, "sign")
        if before.get("certificate"):
            _refuse(attempt, "updates may not set new content", field="status.certificate")
    kept = [c for c in before.get("conditions") or () if c["type"] in _DECISIONS]
    others = [c for c in status.get("conditions") or () if c["type"] not in _DECISIONS]
    if kept or others:
        status["conditions"] = _dated([*kept, *others], attempt.call.now)
    return {**manifest, "status": status}


def _types(manifest: Manifest) -> list[str]:
    return [c["type"] for c in get_in(manifest, "status", "conditions", default=[])]


def _decisions(conditions: list[Manifest]) -> list[tuple[str, str]]:
    return [(c["type"], c.get("status", "")) for c in conditions if c["type"] in _DECISIONS]


def _dated(conditions: list[Manifest], now: Instant) -> list[Manifest]:
    time = rfc3339(now)
    times = {"lastUpdateTime": time, "lastTransitionTime": time}
    return [
        {"status": "True", **times, **{k: v for k, v in condition.items() if v is not None}}
        for condition in conditions
    ]


def _check_right(attempt: Attempt, verb: str) -> None:
    """A right on the signer by its name, or on all of its domain."""
    assert attempt.old is not None
    signer = attempt.old["spec"]["signerName"]
    names = (signer, signer.partition("/")[0] + "/*")
    wishes = [Wish(verb, GROUP, "signers", name=name) for name in names]
    if not any(may(attempt.store, attempt.call.user, wish) for wish in wishes):
        why = f'user not permitted to {verb} requests with signerName "{signer}"'
        raise forbidden(attempt.info, attempt.name, why)


def _refuse(attempt: Attempt, why: str, field: str = "status.conditions") -> None:
    cause = {"reason": "FieldValueForbidden", "message": f"Forbidden: {why}", "field": field}
    raise invalid(attempt.info, attempt.name, [cause])
