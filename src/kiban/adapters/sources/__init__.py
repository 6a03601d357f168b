"""Renders what a platform delivers beside its services: plain YAML, Kustomize and Helm, each by
the real tool, from the working tree or from a commit. The same input is rendered once."""

from kiban.adapters.sources.rendering import Renderer
from kiban.adapters.sources.trees import CommitTree, DirectoryTree, Tree

__all__ = ["CommitTree", "DirectoryTree", "Renderer", "Tree"]
