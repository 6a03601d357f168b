"""Spec to bundle: what one environment of the platform is on one cluster, as manifests.

Pure and byte-deterministic: the same files give the same bytes on any machine."""

from kiban.compiler.bundle import Bundle, SecretNeed
from kiban.compiler.caching import Compilations
from kiban.compiler.compilation import compile_environment, compile_platform
from kiban.compiler.rendering import render

__all__ = [
    "Bundle",
    "Compilations",
    "SecretNeed",
    "compile_environment",
    "compile_platform",
    "render",
]
