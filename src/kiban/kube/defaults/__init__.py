"""What Kubernetes fills in when an object is created or changed, as a function of the object alone.

`default` adds what the version's Go code adds (and what its encoder always writes, such as
`status: {}`). What needs the cluster (addresses, admission, generated names) is not here. Applying
it twice changes nothing. Source: k8s.io/kubernetes/pkg/apis/*/v1/defaults.go.
"""

from kiban.kube.defaults.table import default

__all__ = ["default"]
