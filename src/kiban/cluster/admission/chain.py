"""The admissions of a cluster, in the order in which they run.

The order is kube-apiserver's own (kubernetes/pkg/kubeapiserver/options/plugins.go), for those that
are built here.
"""

from kiban.cluster.admission.attempts import Admission
from kiban.cluster.admission.namespaces import admit_namespaced, complete_namespace
from kiban.cluster.admission.nodes import taint_new_node
from kiban.cluster.admission.pods import (
    add_default_tolerations,
    resolve_priority,
    use_service_account,
)

ADMISSIONS: tuple[Admission, ...] = (
    admit_namespaced,
    complete_namespace,
    use_service_account,
    taint_new_node,
    resolve_priority,
    add_default_tolerations,
)
