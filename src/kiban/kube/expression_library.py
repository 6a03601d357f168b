"""Kubernetes' own values in expressions: quantities, addresses, networks and versions.

Each is a map with one key that names it, so that methods can tell them apart. Source:
k8s.io/apiserver/pkg/cel/library.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from ipaddress import ip_address, ip_network
from typing import Any

from kiban.primitives.quantities import parse_quantity

_VERSION = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)


def quantity(text: str) -> dict[str, str]:
    return {"quantity": str(parse_quantity(text))}


def ip(value: Any) -> dict[str, str]:
    """The address that a text says, or that a network holds."""
    if isinstance(value, dict):
        return {"ip": value["cidr"].partition("/")[0]}
    return {"ip": str(ip_address(value))}


def cidr(text: str) -> dict[str, str]:
    ip_network(text, strict=False)
    if "/" not in text:
        raise ValueError(f'network address parse error during conversion from string: "{text}"')
    return {"cidr": text}


def semver(text: str) -> dict[str, str]:
    if not _VERSION.fullmatch(text):
        raise ValueError(f'semver parse error during conversion from string: "{text}"')
    return {"semver": text}


def is_made_by(make: Callable[[Any], Any]) -> Callable[[Any], bool]:
    def holds(text: Any) -> bool:
        try:
            make(text)
        except ValueError:
            return False
        return True

    return holds


def _amount(value: Any) -> Decimal:
    return Decimal(value["quantity"] if isinstance(value, dict) else value)


def _order(value: Any) -> Any:
    """What values of one kind are compared by."""
    if "quantity" in value:
        return _amount(value)
    match = _VERSION.fullmatch(value["semver"])
    assert match is not None, "only versions are made"
    before = match[4]
    parts = [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in (before or "").split(".")
    ]
    return int(match[1]), int(match[2]), int(match[3]), before is None, parts


def _part(number: int) -> Callable[[Any], int]:
    return lambda value: int(_VERSION.fullmatch(value["semver"])[number])  # type: ignore[index]


def _contains(network: Any, inner: Any) -> bool:
    outer = ip_network(network["cidr"], strict=False)
    text = inner if isinstance(inner, str) else next(iter(inner.values()))
    found = ip_network(text, strict=False)
    return bool(outer.version == found.version and found.subnet_of(outer))  # type: ignore[arg-type]


def _address(trait: str) -> Callable[[Any], bool]:
    return lambda value: bool(getattr(ip_address(value["ip"]), trait))


def _masked(value: Any) -> dict[str, str]:
    return {"cidr": str(ip_network(value["cidr"], strict=False))}


def _compared(one: Any, other: Any) -> int:
    first, second = _order(one), _order(other)
    return int(first > second) - int(first < second)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "quantity": quantity,
    "isQuantity": is_made_by(parse_quantity),
    "ip": ip,
    "isIP": is_made_by(ip_address),
    "cidr": cidr,
    "isCIDR": is_made_by(cidr),
    "semver": semver,
    "isSemver": is_made_by(semver),
    "isLessThan": lambda one, other: _order(one) < _order(other),
    "isGreaterThan": lambda one, other: _order(one) > _order(other),
    "compareTo": _compared,
    "asInteger": lambda one: int(_amount(one)),
    "asApproximateFloat": lambda one: float(_amount(one)),
    "isInteger": lambda one: _amount(one) == int(_amount(one)),
    "sign": lambda one: (_amount(one) > 0) - (_amount(one) < 0),
    "add": lambda one, other: {"quantity": str(_amount(one) + _amount(other))},
    "sub": lambda one, other: {"quantity": str(_amount(one) - _amount(other))},
    "family": lambda value: ip_address(value["ip"]).version,
    "isLoopback": _address("is_loopback"),
    "isUnspecified": _address("is_unspecified"),
    "isGlobalUnicast": lambda value: (
        not any(
            _address(trait)(value) for trait in ("is_loopback", "is_multicast", "is_unspecified")
        )
    ),
    "containsIP": _contains,
    "containsCIDR": _contains,
    "prefixLength": lambda value: int(value["cidr"].partition("/")[2]),
    "masked": _masked,
    "major": _part(1),
    "minor": _part(2),
    "patch": _part(3),
}
