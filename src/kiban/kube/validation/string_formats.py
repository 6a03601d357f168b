"""The formats a schema may demand of a string. Unknown formats allow everything.

Source: k8s.io/kube-openapi/pkg/validation/strfmt and
k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date
from ipaddress import IPv4Address, IPv6Address, ip_network
from urllib.parse import urlsplit

from kiban.primitives.instants import parse_rfc3339

_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})")
_DURATION = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_WORDY_DURATION = re.compile(r"\s*\d+\s*[a-zA-Z]+\s*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_HOST = re.compile(
    r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.I)
_UUID_OF = r"[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{}[0-9a-f]{{3}}-?[0-9a-f]{{4}}-?[0-9a-f]{{12}}"
_MAC = re.compile(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}")
_HEX_COLOR = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LONG_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?")


def is_of_format(text: str, form: str) -> bool:
    """Whether a string has a format, such as `date-time`."""
    check = _CHECKS.get(form.replace("_", "-") if form != "k8s_short_name" else form)
    return check is None or check(text)


def _succeeds(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, binascii.Error):
            return False
        return True

    return check


def _date_time(text: str) -> None:
    if not _DATE_TIME.fullmatch(text):
        raise ValueError(text)
    parse_rfc3339(text.upper().replace(" ", "T"))


def _uri(text: str) -> None:
    if not text.startswith("/") and not urlsplit(text).scheme:
        raise ValueError(text)


def _duration(text: str) -> None:
    rest = text.lstrip("+-")
    if rest == "0" or _WORDY_DURATION.fullmatch(text):
        return
    while rest:
        match = _DURATION.match(rest)
        if match is None:
            raise ValueError(text)
        rest = rest[match.end() :]
    if not text:
        raise ValueError(text)


def _like(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _uuid_of(version: str) -> Callable[[str], bool]:
    return _like(re.compile(_UUID_OF.format(version), re.IGNORECASE))


_CHECKS: dict[str, Callable[[str], bool]] = {
    "date": _succeeds(date.fromisoformat),
    "date-time": _succeeds(_date_time),
    "datetime": _succeeds(_date_time),
    "duration": _succeeds(_duration),
    "email": _like(_EMAIL),
    "hostname": _like(_HOST),
    "ipv4": _succeeds(IPv4Address),
    "ipv6": _succeeds(IPv6Address),
    "cidr": _succeeds(lambda text: ip_network(text, strict=False)),
    "mac": _like(_MAC),
    "uri": _succeeds(_uri),
    "uuid": _like(_UUID),
    "uuid3": _uuid_of("3"),
    "uuid4": _uuid_of("4"),
    "uuid5": _uuid_of("5"),
    "byte": _succeeds(lambda text: base64.b64decode(text, validate=True)),
    "hexcolor": _like(_HEX_COLOR),
    "k8s-short-name": _like(_LABEL),
    "k8s-long-name": _like(_LONG_LABEL),
}
