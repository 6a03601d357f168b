"""Who signs clients' certificates, and what a request for one says; the adapter holds the key."""

from dataclasses import dataclass
from typing import Protocol

from kiban.primitives.instants import Instant


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate names: the user and its groups."""

    common_name: str
    organizations: tuple[str, ...] = ()


class CertificateSigner(Protocol):
    """The cluster's certificate authority."""

    def subject_of(self, request: str) -> Subject | None:
        """Whom a request (PEM in base64) names; None when it is none."""
        ...

    def sign(self, request: str, seconds: int, now: Instant) -> str:
        """A client's certificate for a request, PEM in base64."""
        ...
