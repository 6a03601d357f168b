"""The admissions of a cluster, in the order in which they run.

The order is kube-apiserver's own (kubernetes/pkg/kubeapiserver/options/plugins.go), for those that
are built here.
"""

from kiban.cluster.admission.attempts import Chain
from kiban.cluster.admission.certificates import CertificateRequests
from kiban.cluster.admission.limit_ranges import review_limits, set_default_limits
from kiban.cluster.admission.mutating_policies import change_by_policies
from kiban.cluster.admission.namespaces import admit_namespaced, complete_namespace
from kiban.cluster.admission.nodes import taint_new_node
from kiban.cluster.admission.pod_security import hold_to_pod_security
from kiban.cluster.admission.pods import (
    add_default_tolerations,
    resolve_priority,
    use_service_account,
)
from kiban.cluster.admission.policies import ask_policies
from kiban.cluster.admission.quotas import review_quotas
from kiban.cluster.admission.rights import check_given_rights
from kiban.cluster.admission.runtime_classes import apply_runtime_class
from kiban.cluster.admission.services import ServiceAllocation
from kiban.cluster.admission.webhooks import mutate_by_webhooks, validate_by_webhooks
from kiban.cluster.admission.workloads import (
    count_daemon_set_templates,
    protect_storage,
)
from kiban.cluster.certificates import CertificateSigner
from kiban.cluster.networking.addresses import AddressPlan


def admissions(plan: AddressPlan, signer: CertificateSigner | None = None) -> Chain:
    """Every admission of a cluster whose services have addresses of this plan, and whose requests
    for certificates are signed, if they are, by this signer."""
    completing = (
        admit_namespaced,
        complete_namespace,
        set_default_limits,
        use_service_account,
        taint_new_node,
        resolve_priority,
        add_default_tolerations,
        protect_storage,
        count_daemon_set_templates,
        ServiceAllocation(plan),
        apply_runtime_class,
        CertificateRequests(signer),
        change_by_policies,
        mutate_by_webhooks,
        check_given_rights,
    )
    reviewing = (
        review_limits,
        hold_to_pod_security,
        ask_policies,
        validate_by_webhooks,
        review_quotas,
    )
    return Chain(completing, reviewing)
