"""The kubelet as state tables: pods bound to virtual nodes become asks of a runtime, and the
runtime's reports become pod status. No I/O: the wall clock and the virtual clock drive it alike."""

from kiban.cluster.kubelet.kubelet import Kubelet
from kiban.cluster.kubelet.volumes import TokenSource

__all__ = ["Kubelet", "TokenSource"]
