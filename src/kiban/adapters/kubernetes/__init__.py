"""Any Kubernetes over HTTPS: the port of `kube.ports` by aiohttp, and kubeconfig files."""

from kiban.adapters.kubernetes.cluster import KubernetesCluster
from kiban.adapters.kubernetes.config import Access, load_access
from kiban.adapters.kubernetes.informer import follow

__all__ = ["Access", "KubernetesCluster", "follow", "load_access"]
