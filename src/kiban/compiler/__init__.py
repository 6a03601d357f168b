"""Spec to bundle: what one environment of the platform is on one cluster, as manifests.

Pure and byte-deterministic: the same files give the same bytes on any machine."""
