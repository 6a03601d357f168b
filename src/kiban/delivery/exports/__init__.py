"""Bundles in the form that Argo CD or Flux deliver, for teams that keep them: rendered manifests
and the objects that say where they are, in which order, and what is to be left alone.

Pure and byte-deterministic: the same bundles give the same files, so a second export is no change.
"""

from kiban.delivery.exports.argocd import argocd_files
from kiban.delivery.exports.flux import flux_files
from kiban.delivery.exports.place import Published

__all__ = ["Published", "argocd_files", "flux_files"]
