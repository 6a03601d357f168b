"""Whether a text is a name, a label, a port name and so on, and if not, what Kubernetes says.

Every function gives the faults of one text as sentences, none when it is right.
Source: k8s.io/apimachinery/pkg/util/validation/validation.go.
"""

import re
from functools import lru_cache

_ALNUM = r"[A-Za-z0-9]"
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_DNS_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS_SUBDOMAIN = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"
_DNS_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_IS_LABEL = re.compile(_DNS_LABEL)
_IS_SUBDOMAIN = re.compile(_DNS_SUBDOMAIN)
_IS_1035 = re.compile(_DNS_1035)
_UNDERSCORED_LABEL = r"_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_IS_UNDERSCORED = re.compile(rf"{_UNDERSCORED_LABEL}(\.{_UNDERSCORED_LABEL})*")
_VARIABLE = re.compile(r"[ -<>-~]+")
_WILDCARD = re.compile(rf"\*\.{_DNS_SUBDOMAIN}")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_C_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PORT_CHARACTERS = re.compile(r"[-a-z0-9]+")

QUALIFIED_NAME_FAULT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
LABEL_KEY_FAULT = (
    "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex "
    "used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS "
    "subdomain prefix and '/' (e.g. 'example.com/MyName')"
)
LABEL_VALUE_FAULT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
DNS_LABEL_FAULT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
DNS_SUBDOMAIN_FAULT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
DNS_1035_FAULT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
WILDCARD_FAULT = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    "character (e.g. '*.example.com', regex used for validation is "
    "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
UNDERSCORED_FAULT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' "
    "or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
    "used for validation is "
    "'_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')"
)
CONFIG_KEY_FAULT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
    "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def too_long(limit: int) -> str:
    """Names count characters; labels, whose rules are newer, count bytes."""
    return f"must be no more than {limit} characters"


def _too_many_bytes(limit: int) -> str:
    return f"must be no more than {limit} bytes"


# The same few keys and values are on every object; nobody changes the lists that are given out.
@lru_cache(maxsize=4096)
def label_key_faults(key: str) -> list[str]:
    """Faults of a label or annotation key: an optional DNS prefix, a slash and a name."""
    parts = key.split("/")
    if len(parts) > 2:
        return [LABEL_KEY_FAULT]
    faults: list[str] = []
    if len(parts) == 2:
        if not parts[0]:
            faults.append("prefix part must be non-empty")
        else:
            faults += [f"prefix part {fault}" for fault in dns_subdomain_faults(parts[0])]
    name = parts[-1]
    if not name:
        faults.append("name part must be non-empty")
    elif len(name) > 63:
        faults.append(f"name part {_too_many_bytes(63)}")
    if not _QUALIFIED.fullmatch(name):
        faults.append(QUALIFIED_NAME_FAULT)
    return faults


@lru_cache(maxsize=4096)
def label_value_faults(value: str) -> list[str]:
    faults = [_too_many_bytes(63)] if len(value) > 63 else []
    return faults if _LABEL_VALUE.fullmatch(value) else [*faults, LABEL_VALUE_FAULT]


def dns_label_faults(name: str) -> list[str]:
    faults = [too_long(63)] if len(name) > 63 else []
    return faults if _IS_LABEL.fullmatch(name) else [*faults, DNS_LABEL_FAULT]


def dns_subdomain_faults(name: str) -> list[str]:
    faults = [too_long(253)] if len(name) > 253 else []
    return faults if _IS_SUBDOMAIN.fullmatch(name) else [*faults, DNS_SUBDOMAIN_FAULT]


def underscored_subdomain_faults(name: str) -> list[str]:
    """Faults of a search path, which may have underscores."""
    faults = [too_long(253)] if len(name) > 253 else []
    return faults if _IS_UNDERSCORED.fullmatch(name) else [*faults, UNDERSCORED_FAULT]


def dns_1035_faults(name: str) -> list[str]:
    faults = [too_long(63)] if len(name) > 63 else []
    return faults if _IS_1035.fullmatch(name) else [*faults, DNS_1035_FAULT]


def wildcard_faults(name: str) -> list[str]:
    faults = [too_long(253)] if len(name) > 253 else []
    return faults if _WILDCARD.fullmatch(name) else [*faults, WILDCARD_FAULT]


def path_segment_faults(name: str) -> list[str]:
    """Faults of the freer names of RBAC kinds."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{mark}'" for mark in ("/", "%") if mark in name]


def config_key_faults(key: str) -> list[str]:
    """Faults of a key of a ConfigMap or a Secret."""
    faults = [too_long(253)] if len(key) > 253 else []
    if not _CONFIG_KEY.fullmatch(key):
        faults.append(CONFIG_KEY_FAULT)
    if key == ".":
        faults.append("must not be '.'")
    elif key == "..":
        faults.append("must not be '..'")
    elif key.startswith(".."):
        faults.append("must not start with '..'")
    return faults


def is_c_identifier(name: str) -> bool:
    return _C_IDENTIFIER.fullmatch(name) is not None


def env_name_faults(name: str) -> list[str]:
    """Faults of an environment variable's name: any printable ASCII but `=`."""
    if not name:
        return ["environment variable name must not be empty"]
    if not _VARIABLE.fullmatch(name):
        return [
            "a valid environment variable name must consist only of printable ASCII characters "
            "other than '='"
        ]
    return []


def port_name_faults(name: str) -> list[str]:
    """Faults of an IANA service name, as ports have them."""
    faults: list[str] = []
    if len(name) > 15:
        faults.append("must be no more than 15 characters")
    if not _PORT_CHARACTERS.fullmatch(name):
        faults.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", name):
        faults.append("must contain at least one letter (a-z)")
    if "--" in name:
        faults.append("must not contain consecutive hyphens")
    if name and (name[0] == "-" or name[-1] == "-"):
        faults.append("must not begin or end with a hyphen")
    return faults


def port_number_faults(number: int) -> list[str]:
    return [] if 1 <= number <= 65535 else ["must be between 1 and 65535, inclusive"]
