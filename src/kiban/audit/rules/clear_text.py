"""Secrets in the clear, and other things wrong with environment variables. No value that may be
a secret is ever repeated in a finding."""

import re
from collections import Counter
from collections.abc import Iterator

from kiban.audit.findings import Rule, Said, Severity
from kiban.audit.view import Container, View, Workload

_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_KEY|CREDENTIALS?)(?:$|_)",
    re.IGNORECASE,
)
# Names that speak of a secret without being one: TOKEN_TTL, PASSWORD_FILE, SECRET_NAME.
_HARMLESS = re.compile(
    r"_(?:FILE|PATH|DIR|NAME|URL|URI|TTL|SECONDS|MINUTES|LENGTH|ID|ENABLED|TYPE|HEADER|ISSUER)$",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|\bgh[pousr]_\w{36}|xox[bp]-"
)
_PASSWORD_IN_URL = re.compile(r"\w+://[^/\s:@]+:[^/\s:@{$]+@")
_PLAIN = frozenset(("", "true", "false", "none", "null"))


def _variables(view: View) -> Iterator[tuple[Workload, Container, str, str]]:
    for workload in view.workloads:
        for container in workload.containers:
            for one in container.body.get("env") or ():
                if "value" in one:
                    yield workload, container, str(one.get("name", "")), str(one["value"])


def _in_clear(view: View) -> Iterator[Said]:
    for workload, container, name, value in _variables(view):
        named = _NAME.search(name) and not _HARMLESS.search(name) and value.lower() not in _PLAIN
        # `$(OTHER)` is filled in by Kubernetes from a variable that may come from a Secret.
        if value.startswith("$(") or not (
            named or _VALUE.search(value) or _PASSWORD_IN_URL.search(value)
        ):
            continue
        what = f"{name} of {container.name} looks like a secret and is written in the manifest"
        yield Said(workload.key, f"{container.path}.env[{name}]", what)


def _twice(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        for container in workload.containers:
            counts = Counter(str(one.get("name")) for one in container.body.get("env") or ())
            for name in sorted(name for name, count in counts.items() if count > 1):
                what = f"{name} of {container.name} is set more than once"
                yield Said(workload.key, f"{container.path}.env[{name}]", what)


def _global_sts(view: View) -> Iterator[Said]:
    for workload, container, name, value in _variables(view):
        if name == "AWS_STS_REGIONAL_ENDPOINTS" and value == "legacy":
            what = f"{container.name} asks the global STS endpoint for its credentials"
            yield Said(workload.key, f"{container.path}.env[{name}]", what)


RULES = (
    Rule(
        "secret-in-clear",
        Severity.ERROR,
        "everybody who can read the repo or the pod can read it, for as long as Git remembers",
        "put it into a Secret and say `secrets: {NAME: secret/key}`; then change the secret",
        _in_clear,
    ),
    Rule(
        "duplicate-variable",
        Severity.WARNING,
        "which one holds depends on how it is applied",
        "keep one",
        _twice,
    ),
    Rule(
        "sts-global",
        Severity.WARNING,
        "an outage of one region takes the credentials of all",
        "set AWS_STS_REGIONAL_ENDPOINTS to regional",
        _global_sts,
    ),
)
