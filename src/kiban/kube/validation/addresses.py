"""Rules for IP addresses and networks, in the words of kube-apiserver.

Source: k8s.io/apimachinery/pkg/util/validation/ip.go and core/validation.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from kiban.kube.validation.faults import Faults, invalid

IP_FAULT = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
CIDR_FAULT = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def parsed_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def address_faults(text: str, field: str) -> Faults:
    return [] if parsed_address(text) is not None else [invalid(field, text, IP_FAULT)]


def parsed_network(text: str) -> Any:
    try:
        return ip_network(text, strict=False) if re.search(r"/\d+$", text) else None
    except ValueError:
        return None


def network_faults(text: str, field: str) -> Faults:
    return [] if parsed_network(text) is not None else [invalid(field, text, CIDR_FAULT)]


def endpoint_address_faults(text: str, field: str) -> Faults:
    """An address at which something may be reached from elsewhere.

    Of the loopback range, which Kubernetes refuses, only 127.0.0.0/16 is: the pods of embedded
    clusters live in the rest of it.
    """
    address = parsed_address(text)
    if address is None:
        return [invalid(field, text, "must be a valid IP address")]
    faults: Faults = []
    if address.is_unspecified:
        faults.append(invalid(field, text, f"may not be unspecified ({text})"))
    if address in _LOOPBACK[address.version]:
        detail = "may not be in the loopback range (127.0.0.0/8, ::1/128)"
        faults.append(invalid(field, text, detail))
    if address.is_link_local and not address.is_multicast:
        detail = "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
        faults.append(invalid(field, text, detail))
    if address in _MULTICAST[address.version]:
        detail = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        faults.append(invalid(field, text, detail))
    return faults


_LOOPBACK: dict[int, Any] = {4: ip_network("127.0.0.0/16"), 6: ip_network("::1/128")}
_MULTICAST: dict[int, Any] = {4: ip_network("224.0.0.0/24"), 6: ip_network("ff02::/16")}
