"""Secrets in the clear. No value that may be a secret is ever repeated in a finding."""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator

from kiban.audit.findings import Said, Severity, rule
from kiban.audit.view import View

_NAME = re.compile(
    r"(?:^|[_.-])(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_KEY|CREDENTIALS?)"
    r"(?:$|[_.-])",
    re.IGNORECASE,
)
# Names that speak of a secret without being one: TOKEN_TTL, PASSWORD_FILE, SECRET_NAME.
_HARMLESS = re.compile(
    r"[_.-](?:FILE|PATH|DIR|NAME|URL|URI|TTL|SECONDS|MINUTES|LENGTH|ID|ENABLED|TYPE|HEADER|ISSUER)$",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|\bgh[pousr]_\w{36}|xox[bp]-"
)
_PASSWORD_IN_URL = re.compile(r"\w+://[^/\s:@]+:[^/\s:@{$]+@")
_PLAIN = frozenset(
    ("", "true", "false", "none", "null", "yes", "no", "on", "off", "0", "1", "enabled", "disabled")
)
_POD = "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n"


def _is_secret(name: str, value: str) -> bool:
    named = _NAME.search(name) and not _HARMLESS.search(name) and value.lower() not in _PLAIN
    # `$(OTHER)` is filled in by Kubernetes from a variable that may come from a Secret.
    if value.startswith(("$(", "${")):
        return False
    return bool(named or _VALUE.search(value) or _PASSWORD_IN_URL.search(value))


@rule(
    Severity.ERROR,
    why="everybody who can read the repo or the pod can read it, for as long as Git remembers",
    fix="use secretKeyRef (`secrets: {NAME: secret/key}` of a service); then change the secret",
    example=f"{_POD}      containers: [{{name: app, env: [{{name: DB_PASSWORD, value: abc}}]}}]",
)
def sensitive_env(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        for name, value in container.variables():
            if _is_secret(name, value):
                what = f"{name} of {container.name} looks like a secret and is written here"
                yield Said(workload.key, f"{container.path}.env[{name}]", what)


@rule(
    Severity.ERROR,
    why="whoever may list ConfigMaps can read it, and nobody thinks of it when it leaks",
    fix="put it into a Secret; then change the secret",
    example="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\n"
    "data: {db.password: abc}",
)
def sensitive_configmap(view: View) -> Iterator[Said]:
    for key, settings in view.kind("ConfigMap"):
        for name, value in (settings.get("data") or {}).items():
            text = str(value)
            lines = "\n" in text
            if _VALUE.search(text) if lines else _is_secret(str(name), text):
                yield Said(key, f"data[{name}]", f"{name} looks like a secret and is written here")


@rule(
    Severity.ERROR,
    why="base64 hides nothing: everybody who can read the repo can read it",
    fix="keep it in a secret store, and have it fetched (ExternalSecret); then change the secret",
    example="apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\n"
    "data: {password: aHVudGVyMg==}",
)
def secret_plain_in_manifest(view: View) -> Iterator[Said]:
    for key, secret in view.kind("Secret"):
        # A live object is where it belongs.
        if secret["metadata"].get("uid"):
            continue
        values = {**(secret.get("data") or {}), **(secret.get("stringData") or {})}
        for name in sorted(name for name, value in values.items() if _says_something(value)):
            yield Said(key, f"data[{name}]", f"the value of {name} is in the manifest")


def _says_something(value: object) -> bool:
    """Whether it is a value, and not a place to fill in or one that was encrypted."""
    text = str(value)
    if not text or text.startswith(("ENC[", "${", "<", "{{")):
        return False
    try:
        inner = b64decode(text, validate=True).decode(errors="replace")
    except (Error, ValueError):
        return True
    return not inner.startswith(("<", "${", "{{", "changeme", "REPLACE"))


@rule(
    Severity.ADVICE,
    why="variables are shown by every crash report and inherited by every child process",
    fix="mount the Secret as a file",
    example=f"{_POD}      containers: [{{name: app, env: [{{name: KEY, valueFrom: {{secretKeyRef: "
    "{name: api, key: key}}}]}]",
    optional=True,
)
def secret_in_env(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        for one in container.body.get("env") or ():
            if (one.get("valueFrom") or {}).get("secretKeyRef"):
                where = f"{container.path}.env[{one.get('name')}]"
                yield Said(workload.key, where, f"{one.get('name')} is a variable, not a file")
        for source in container.body.get("envFrom") or ():
            if source.get("secretRef"):
                what = f"{container.name} has a whole Secret in its variables"
                yield Said(workload.key, f"{container.path}.envFrom", what)


RULES = (sensitive_env, sensitive_configmap, secret_plain_in_manifest, secret_in_env)
