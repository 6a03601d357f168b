"""Registries of images, asked by the OCI distribution API."""

from kiban.adapters.registry.references import Repository, repository_of
from kiban.adapters.registry.registry import Registry, RegistryFault

__all__ = ["Registry", "RegistryFault", "Repository", "repository_of"]
