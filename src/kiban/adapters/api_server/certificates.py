"""A certificate authority of the cluster's own, and the server's certificate from it.

Made once (two elliptic-curve keys, about a millisecond) and kept in the state directory, keys
readable by their owner only. The authority's key is kept because clients' certificates are signed
with it later (`authority.py`).
"""

import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Loading it takes 60 ms, which only the first start of a cluster and a signature need.
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

YEARS = 10
LOOPBACK_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Files in PEM form: whom to trust and with which key others are made to be trusted, what to
    show, and the key behind it."""

    authority: Path
    authority_key: Path
    certificate: Path
    key: Path

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.authority, self.authority_key, self.certificate, self.key)


def server_identity(directory: Path, addresses: tuple[str, ...] = ()) -> ServerIdentity:
    """The identity kept in a directory, made now if there is none. Its certificate names the
    loopback and these addresses; one that lacks an address is made anew by the same authority."""
    names = ("ca.crt", "ca.key", "server.crt", "server.key")
    identity = ServerIdentity(*(directory / name for name in names))
    if not all(path.exists() for path in identity.files):
        directory.mkdir(parents=True, exist_ok=True)
        _make(identity)
    if addresses and not _names_all(identity, addresses):
        _renew(identity, addresses)
    return identity


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, in one step: it is there whole or as before,
    whenever we or the machine should stop."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _make(identity: ServerIdentity) -> None:
    """A new authority, and a server's certificate from it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    uses = {"digital_signature": True, "key_cert_sign": True, "crl_sign": True}
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    uses |= dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    authority = (
        certificate_builder("kiban-ca", key.public_key(), key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**uses), critical=True)
        .sign(key, hashes.SHA256())
    )
    _make_server(identity, key, ())
    _write_key(identity.authority_key, key)
    # Last: with it the identity is whole.
    write_private(identity.authority, _pem(authority))


def _renew(identity: ServerIdentity, addresses: tuple[str, ...]) -> None:
    """Another certificate for the server; whoever trusts the authority trusts it too."""
    _make_server(identity, kept_key(identity.authority_key), addresses)


def kept_key(path: Path) -> "ec.EllipticCurvePrivateKey":
    """The authority's key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "the authority's key is of another kind"
    return key


def _make_server(
    identity: ServerIdentity, authority: "ec.EllipticCurvePrivateKey", addresses: tuple[str, ...]
) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in LOOPBACK_NAMES]
    for address in dict.fromkeys((*LOOPBACK_ADDRESSES, *addresses)):
        names.append(x509.IPAddress(ipaddress.ip_address(address)))
    server = (
        certificate_builder("kube-apiserver", key.public_key(), authority.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority, hashes.SHA256())
    )
    _write_key(identity.key, key)
    write_private(identity.certificate, _pem(server))


def certificate_builder(
    subject: str, key: "ec.EllipticCurvePublicKey", authority: "ec.EllipticCurvePublicKey"
) -> "x509.CertificateBuilder":
    """A certificate of this cluster's authority for a name and a key, not yet signed."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    return (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named("kiban-ca"))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False
        )
    )


def _names_all(identity: ServerIdentity, addresses: tuple[str, ...]) -> bool:
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(identity.certificate.read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    present = {str(address) for address in found.get_values_for_type(x509.IPAddress)}
    return set(addresses) <= present


def _pem(certificate: "x509.Certificate") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(path: Path, key: "ec.EllipticCurvePrivateKey") -> None:
    write_private(path, key_text(key))


def key_text(key: "ec.EllipticCurvePrivateKey") -> bytes:
    """A private key as PEM."""
    from cryptography.hazmat.primitives import serialization

    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())
