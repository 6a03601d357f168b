"""A certificate authority of the cluster's own, and the server's certificate from it.

Made once (two elliptic-curve keys, about a millisecond) and kept in the state directory, keys
readable by their owner only.
"""

import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

YEARS = 10
LOOPBACK_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Files in PEM form: whom to trust, what to show, and the key behind it."""

    authority: Path
    certificate: Path
    key: Path


def server_identity(directory: Path) -> ServerIdentity:
    """The identity kept in a directory, made now if there is none."""
    identity = ServerIdentity(
        directory / "ca.crt", directory / "server.crt", directory / "server.key"
    )
    if not all(path.exists() for path in (identity.authority, identity.certificate, identity.key)):
        directory.mkdir(parents=True, exist_ok=True)
        _make(identity)
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
    # Imported here: only the first start of a cluster needs it, and it takes 60 ms.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    end = now + datetime.timedelta(days=365 * YEARS)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())

    def signed(subject: str, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named("kiban-ca"))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
                critical=False,
            )
        )

    authority = (
        signed("kiban-ca", authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(authority_key, hashes.SHA256())
    )
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in LOOPBACK_NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in LOOPBACK_ADDRESSES]
    server = (
        signed("kube-apiserver", server_key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    # The authority's key is not kept: nothing else is ever signed with it.
    key = server_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem = serialization.Encoding.PEM
    write_private(identity.key, key)
    write_private(identity.certificate, server.public_bytes(pem))
    write_private(identity.authority, authority.public_bytes(pem))
