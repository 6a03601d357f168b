"""What people write: the platform repo, loaded with positions, merged with provenance, checked.

`load_platform` takes the files as a mapping and gives a `Platform`, or every mistake at once.
"""

from kiban.spec.checks import host_of
from kiban.spec.explaining import explain
from kiban.spec.load import read_directory
from kiban.spec.loading import load_platform
from kiban.spec.nouns import Environment, PlatformSpec
from kiban.spec.platform import Platform, Release, is_pinned
from kiban.spec.resources import Resource
from kiban.spec.scaffold import scaffold
from kiban.spec.schema import json_schema
from kiban.spec.service import ServiceSpec

__all__ = [
    "Environment",
    "Platform",
    "PlatformSpec",
    "Release",
    "Resource",
    "ServiceSpec",
    "explain",
    "host_of",
    "is_pinned",
    "json_schema",
    "load_platform",
    "read_directory",
    "scaffold",
]
