"""Where the API server may be reached from: this machine only, unless somebody says so twice.

Who reaches the API server with rights can run programs as you; so another address than the
loopback's needs `--expose`, and is warned of.
"""

import ipaddress
import socket

from kiban.primitives.problems import Exit, KibanError, Problem

WARNING = (
    "warning: the API server can be reached from other machines at {address}; whoever has its "
    "token or a certificate can run programs here as you"
)


def checked_address(address: str, *, exposed: bool) -> str:
    """The address to listen on beside the loopback; empty for none. Raises `KibanError`."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError as error:
        raise _refused("cluster/no-address", f"{address!r} is not an IP address") from error
    if found.is_loopback:
        return ""
    if not exposed:
        what = f"listening on {address} would let other machines reach the API server"
        raise _refused("cluster/not-exposed", what, "if that is meant, say --expose as well")
    return str(found)


def certified_addresses(address: str) -> tuple[str, ...]:
    """The addresses that the server's certificate must name for clients to reach it there."""
    if not address:
        return ()
    wanted = ipaddress.ip_address(address)
    if not wanted.is_unspecified:
        return (address,)
    found = _outward_address(wanted.version)
    return (found,) if found else ()


def _outward_address(version: int) -> str:
    """The address by which this machine would reach others; nothing is sent to find it."""
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    # Addresses kept for documentation (RFC 5737, RFC 3849).
    other = "2001:db8::1" if version == 6 else "192.0.2.1"
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((other, 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _refused(code: str, what: str, fix: str = "") -> KibanError:
    return KibanError(Problem(code, what, fix=fix), Exit.USAGE)
