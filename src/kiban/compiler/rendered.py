"""What was rendered from the sources of a platform, in the form the compiler takes it in.

Rendering runs programs and reads files, which the compiler may not; so it is done before."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kiban.kube.objects import Manifest


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A Secret encrypted by SOPS: the manifest with its values in cipher, and the file's text."""

    manifest: Manifest
    text: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects of every source by its name, and the encrypted files of the Secrets."""

    sources: Mapping[str, tuple[Manifest, ...]] = field(default_factory=dict)
    sealed: tuple[SealedSecret, ...] = ()
    # Objects of the directory of encrypted files, such as SealedSecrets.
    secrets: tuple[Manifest, ...] = ()
