"""Signs what was approved: certificates by which clients of the API server are known.

Source of the rules: kubernetes/pkg/controller/certificates/{signer,cleaner}. Requests for other
signers are left to whoever signs for them; requests that came to an end go after an hour, those
that nobody decides on after a day.
"""

from collections.abc import Iterable

from kiban.cluster.admission.certificates import CERTIFICATE_REQUEST, CLIENT_SIGNER
from kiban.cluster.certificates import CertificateSigner
from kiban.cluster.controllers.conditions import condition_in
from kiban.cluster.controllers.writing import status_update
from kiban.kube.objects import Key, Manifest, get_in, uid_of
from kiban.primitives.instants import Instant, later, parse_rfc3339, seconds_between
from kiban.reconcile.commands import Delete
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot

LONGEST_SECONDS = 365 * 24 * 3600
ENDED_SECONDS, UNDECIDED_SECONDS = 3600, 24 * 3600
_USAGES = frozenset({"client auth", "digital signature", "key encipherment"})


class CertificateSigningController:
    """The controller of approved requests for clients' certificates."""

    name = "csrsigning"
    watches = frozenset({CERTIFICATE_REQUEST})

    def __init__(self, signer: CertificateSigner) -> None:
        self._signer = signer

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        return [change.key]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        request = snapshot.get(key)
        if request is None:
            return NOTHING
        left = seconds_between(now, _end(request))
        if left <= 0:
            return Outcome((Delete(key, uid=uid_of(request)),))
        if not _awaits_signature(request):
            return Outcome(wake_after=left)
        return Outcome(status_update(request, self._answer(request, now)), wake_after=left)

    def _answer(self, request: Manifest, now: Instant) -> Manifest:
        spec, status = request["spec"], request["status"]
        problem = self._problem(spec)
        if problem:
            failed = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure"}
            conditions = [*status["conditions"], {**failed, "message": problem}]
            return {**status, "conditions": conditions}
        seconds = min(spec.get("expirationSeconds") or LONGEST_SECONDS, LONGEST_SECONDS)
        return {**status, "certificate": self._signer.sign(spec["request"], seconds, now)}

    def _problem(self, spec: Manifest) -> str:
        """Why a request is not one for a client's certificate; empty when it is."""
        usages = spec["usages"]
        if "client auth" not in usages or not _USAGES.issuperset(usages):
            return "usages did not match [digital signature, key encipherment, client auth]"
        if self._signer.subject_of(spec["request"]) is None:
            return "the request cannot be read"
        return ""


def _awaits_signature(request: Manifest) -> bool:
    if request["spec"].get("signerName") != CLIENT_SIGNER:
        return False
    conditions = get_in(request, "status", "conditions", default=[])
    if any(condition_in(conditions, type_) for type_ in ("Denied", "Failed")):
        return False
    approved = condition_in(conditions, "Approved")
    return approved is not None and not get_in(request, "status", "certificate")


def _end(request: Manifest) -> Instant:
    """When a request is swept away."""
    conditions = get_in(request, "status", "conditions", default=[])
    decided = [c["lastUpdateTime"] for c in conditions if c.get("lastUpdateTime")]
    if decided:
        return later(max(parse_rfc3339(time) for time in decided), ENDED_SECONDS)
    return later(parse_rfc3339(request["metadata"]["creationTimestamp"]), UNDECIDED_SECONDS)
