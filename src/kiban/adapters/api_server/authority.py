"""Clients' certificates: signed by the cluster's own authority, for requests and for people.

The common name of a certificate is the user, its organizations are the groups. Only signing needs
the `cryptography` library, which is loaded then.
"""

import base64
import binascii
import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kiban.adapters.api_server.certificates import ServerIdentity, kept_key, key_text
from kiban.cluster.certificates import Subject
from kiban.primitives.instants import Instant

if TYPE_CHECKING:
    from cryptography import x509

# A clock that runs behind ours finds a new certificate valid all the same.
BACKDATED = datetime.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class IssuedUser:
    """A new user's certificate and the key behind it, PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """The `CertificateSigner` of a cluster."""

    def __init__(self, identity: ServerIdentity) -> None:
        self._certificate, self._key = identity.authority, identity.authority_key

    def subject_of(self, request: str) -> Subject | None:
        """Whom a request names; None when it is none, or not signed by its own key."""
        found = _request(request)
        if found is None:
            return None
        return _subject(found.subject)

    def sign(self, request: str, seconds: int, now: Instant) -> str:
        """A client's certificate for a request that `subject_of` understands, valid for so long;
        PEM in base64, as an object holds it."""
        found = _request(request)
        assert found is not None, "the request was read before"
        certificate = self._signed(found.subject, found.public_key(), seconds, now)
        return base64.b64encode(certificate).decode()

    def issue(self, subject: Subject, seconds: int, now: Instant) -> IssuedUser:
        """A certificate and a new key for a user that we make."""
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID

        key = ec.generate_private_key(ec.SECP256R1())
        names = [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in subject.organizations
        ]
        names.append(x509.NameAttribute(NameOID.COMMON_NAME, subject.common_name))
        signed = self._signed(x509.Name(names), key.public_key(), seconds, now)
        return IssuedUser(signed, key_text(key))

    def _signed(self, name: "x509.Name", public_key: object, seconds: int, now: Instant) -> bytes:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import ExtendedKeyUsageOID

        key = kept_key(self._key)
        issuer = x509.load_pem_x509_certificate(self._certificate.read_bytes())
        start = datetime.datetime.fromtimestamp(now / 1_000_000, datetime.UTC)
        end = min(start + datetime.timedelta(seconds=seconds), issuer.not_valid_after_utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer.subject)
            .public_key(public_key)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(start - BACKDATED)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
                critical=False,
            )
            .sign(key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)


def _request(text: str) -> "x509.CertificateSigningRequest | None":
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        found = x509.load_pem_x509_csr(base64.b64decode(text, validate=True))
        return found if found.is_signature_valid else None
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm, InvalidSignature):
        return None


def _subject(name: "x509.Name") -> Subject:
    from cryptography.x509.oid import NameOID

    common = [str(entry.value) for entry in name.get_attributes_for_oid(NameOID.COMMON_NAME)]
    organizations = name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return Subject(common[-1] if common else "", tuple(str(o.value) for o in organizations))
