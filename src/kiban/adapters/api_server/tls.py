"""The server's side of TLS: its own certificate, and clients' when they show one."""

import ssl
from typing import Any

from kiban.adapters.api_server.certificates import ServerIdentity

# How long a client may take over the handshake.
HANDSHAKE_SECONDS = 10.0


class _Explaining(ssl.SSLObject):
    """Tells a client why its certificate is refused. asyncio drops a connection whose handshake
    fails before the alert that says so is sent; here it is sent, and the client hangs up."""

    _refused = False

    def do_handshake(self) -> None:
        if self._refused:
            raise ssl.SSLWantReadError
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError:
            self._refused = True
            raise ssl.SSLWantReadError from None


def tls_context(identity: ServerIdentity) -> ssl.SSLContext:
    """TLS with an identity. A client may show a certificate; one that our authority did not sign,
    or that has expired, ends the handshake with an alert that says so."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(identity.certificate, identity.key)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(identity.authority)
    context.set_alpn_protocols(["http/1.1"])
    explaining: Any = _Explaining
    context.sslobject_class = explaining
    return context
