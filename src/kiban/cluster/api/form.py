"""What the kube package knows about an object's form, at the points where the registry needs it:
completed with defaults before it is admitted, checked before it is stored."""

from typing import Any

from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest


def completed(info: KindInfo, manifest: Manifest) -> Manifest:
    """The manifest with the defaults of its kind."""
    return manifest


def first_status(info: KindInfo, manifest: Manifest) -> dict[str, Any]:
    """What a new object's status says beyond its kind's usual start."""
    return {}


def check_new(info: KindInfo, manifest: Manifest) -> None:
    """Raise `Failure` when a new object breaks a rule."""


def check_change(info: KindInfo, new: Manifest, live: Manifest, subresource: str) -> None:
    """Raise `Failure` when a change breaks a rule."""
