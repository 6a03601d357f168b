"""The admissions of a cluster, in the order in which they run.

The order is kube-apiserver's own (kubernetes/pkg/kubeapiserver/options/plugins.go), for those that
are built here.
"""

from kiban.cluster.admission.attempts import About, Admission, Chain, Review
from kiban.cluster.admission.certificates import CERTIFICATE_REQUEST, CertificateRequests
from kiban.cluster.admission.limit_ranges import review_limits, set_default_limits
from kiban.cluster.admission.mutating_policies import change_by_policies
from kiban.cluster.admission.namespaces import admit_namespaced, complete_namespace
from kiban.cluster.admission.nodes import taint_new_node
from kiban.cluster.admission.pod_security import TEMPLATES, hold_to_pod_security
from kiban.cluster.admission.pods import (
    PRIORITY_CLASS,
    add_default_tolerations,
    resolve_priority,
    review_priority_class,
    use_service_account,
)
from kiban.cluster.admission.policies import ask_policies
from kiban.cluster.admission.quotas import review_quotas
from kiban.cluster.admission.rights import check_given_rights
from kiban.cluster.admission.runtime_classes import apply_runtime_class
from kiban.cluster.admission.services import ServiceAllocation
from kiban.cluster.admission.standard_classes import INGRESSES, STORAGE
from kiban.cluster.admission.storage import (
    PERSISTENT_VOLUME,
    complete_claim_source,
    review_growth,
    time_volume_phase,
)
from kiban.cluster.admission.webhooks import mutate_by_webhooks, validate_by_webhooks
from kiban.cluster.admission.workloads import (
    PROTECTION,
    count_daemon_set_templates,
    leave_out_gated_fields,
    protect_storage,
)
from kiban.cluster.certificates import CertificateSigner
from kiban.cluster.networking.addresses import AddressPlan
from kiban.kube.objects import (
    DAEMON_SET,
    INGRESS,
    NAMESPACE,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SERVICE,
    STATEFUL_SET,
)


def admissions(plan: AddressPlan, signer: CertificateSigner | None = None) -> Chain:
    """Every admission of a cluster whose services have addresses of this plan, and whose requests
    for certificates are signed, if they are, by this signer."""
    completing: tuple[Admission | About[Admission], ...] = (
        admit_namespaced,
        About(_NAMESPACES, complete_namespace),
        About(_PODS, set_default_limits),
        About(_PODS, use_service_account),
        About(frozenset({NODE}), taint_new_node),
        About(_PODS, resolve_priority),
        About(_PODS, add_default_tolerations),
        About(_CLAIMS, complete_claim_source),
        About(_CLAIMS, STORAGE.given),
        About(frozenset({PERSISTENT_VOLUME}), time_volume_phase),
        About(frozenset(PROTECTION), protect_storage),
        About(frozenset({DAEMON_SET}), count_daemon_set_templates),
        About(frozenset({STATEFUL_SET}), leave_out_gated_fields),
        About(frozenset({SERVICE}), ServiceAllocation(plan)),
        About(_PODS, apply_runtime_class),
        About(frozenset({INGRESS}), INGRESSES.given),
        About(frozenset({CERTIFICATE_REQUEST}), CertificateRequests(signer)),
        change_by_policies,
        mutate_by_webhooks,
        check_given_rights,
    )
    reviewing: tuple[Review | About[Review], ...] = (
        About(_PODS | _CLAIMS, review_limits),
        About(frozenset({PRIORITY_CLASS}), review_priority_class),
        About(_CLAIMS, review_growth),
        About(_NAMESPACES | _PODS | frozenset(TEMPLATES), hold_to_pod_security),
        ask_policies,
        validate_by_webhooks,
        review_quotas,
    )
    return Chain(completing, reviewing)


_PODS = frozenset({POD})
_CLAIMS = frozenset({PERSISTENT_VOLUME_CLAIM})
_NAMESPACES = frozenset({NAMESPACE})
