"""Rules for the configurations of admission webhooks.

Source: k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go.
"""

from typing import Any

from kiban.kube import formats
from kiban.kube.expressions import WrongExpression, check_syntax
from kiban.kube.objects import Manifest
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    duplicate,
    invalid,
    one_of,
    required,
    unsupported,
)
from kiban.kube.validation.jobs import too_many
from kiban.kube.validation.selectors import validate_selector

Value = dict[str, Any]
_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_VERSIONS = ("v1", "v1beta1")
MOST_SECONDS = 30
_MOST_CONDITIONS = 64


def validate_webhooks(manifest: Manifest) -> Faults:
    faults: Faults = []
    seen: list[str] = []
    for index, hook in enumerate(manifest.get("webhooks") or ()):
        at = f"webhooks[{index}]"
        faults += _webhook(hook, at)
        name = hook.get("name", "")
        if name and name in seen:
            faults.append(duplicate(f"{at}.name", name))
        seen.append(name)
    return faults


def _webhook(hook: Value, at: str) -> Faults:
    faults = _name(hook.get("name", ""), f"{at}.name")
    versions = hook.get("admissionReviewVersions") or []
    if not versions:
        said = f"must specify one of {', '.join(_VERSIONS)}"
        faults.append(required(f"{at}.admissionReviewVersions", said))
    elif not any(version in _VERSIONS for version in versions):
        said = f"must include at least one of {', '.join(_VERSIONS)}"
        faults.append(invalid(f"{at}.admissionReviewVersions", versions, said))
    for index, rule in enumerate(hook.get("rules") or ()):
        faults += validate_rule(rule, f"{at}.rules[{index}]")
    effects = hook.get("sideEffects")
    if effects is None:
        said = "must specify one of None, NoneOnDryRun"
        faults.append(required(f"{at}.sideEffects", said))
    elif effects not in ("None", "NoneOnDryRun"):
        faults.append(unsupported(f"{at}.sideEffects", effects, ("None", "NoneOnDryRun")))
    if hook.get("failurePolicy") is not None:
        faults += one_of(f"{at}.failurePolicy", hook["failurePolicy"], ("Fail", "Ignore"))
    if hook.get("matchPolicy") is not None:
        faults += one_of(f"{at}.matchPolicy", hook["matchPolicy"], ("Equivalent", "Exact"))
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= MOST_SECONDS:
        said = "the timeout value must be between 1 and 30 seconds"
        faults.append(invalid(f"{at}.timeoutSeconds", seconds, said))
    for name in ("namespaceSelector", "objectSelector"):
        faults += validate_selector(hook.get(name), f"{at}.{name}")
    faults += validate_conditions(hook.get("matchConditions") or (), f"{at}.matchConditions")
    return faults + _client(hook.get("clientConfig") or {}, f"{at}.clientConfig")


def _name(name: str, at: str) -> Faults:
    """Three labels at least, as `policy.example.com` has."""
    if not name:
        return [required(at)]
    faults = all_invalid(at, name, formats.dns_subdomain_faults(name))
    if len(name.split(".")) < 3:
        faults.append(
            invalid(at, name, "should be a domain with at least three segments separated by dots")
        )
    return faults


def validate_rule(rule: Value, at: str) -> Faults:
    faults: Faults = []
    for part in ("operations", "apiGroups", "apiVersions", "resources"):
        values = rule.get(part) or []
        if not values:
            faults.append(required(f"{at}.{part}"))
        elif len(values) > 1 and "*" in values and part != "resources":
            said = "if '*' is present, must not specify other " + _CALLED[part]
            faults.append(invalid(f"{at}.{part}", values, said))
    for index, operation in enumerate(rule.get("operations") or ()):
        faults += one_of(f"{at}.operations[{index}]", operation, _OPERATIONS)
    if rule.get("scope") is not None:
        faults += one_of(f"{at}.scope", rule["scope"], ("*", "Cluster", "Namespaced"))
    return faults


_CALLED = {"operations": "operations", "apiGroups": "API groups", "apiVersions": "API versions"}


def _client(config: Value, at: str) -> Faults:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        return [required(at, "exactly one of url or service is required")]
    faults: Faults = []
    if url is not None and not url.startswith("https://"):
        detail = "'https' is the only allowed URL scheme; desired format: https://host[/path]"
        faults.append(invalid(f"{at}.url", url, detail))
    for part in ("name", "namespace"):
        if service is not None and not service.get(part):
            faults.append(required(f"{at}.service.{part}", f"service {part} is required"))
    return faults


def validate_conditions(conditions: Any, at: str) -> Faults:
    """`matchConditions`, of webhooks and of policies."""
    faults: Faults = []
    if len(conditions) > _MOST_CONDITIONS:
        faults.append(too_many(at, len(conditions), _MOST_CONDITIONS))
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        name = condition.get("name", "")
        said = condition.get("expression", "").strip()
        if said:
            faults += check_expression(said, f"{at}[{index}].expression")
        else:
            faults.append(required(f"{at}[{index}].expression"))
        if not name:
            faults.append(required(f"{at}[{index}].name"))
            continue
        faults += all_invalid(f"{at}[{index}].name", name, formats.label_key_faults(name))
        if name in seen:
            faults.append(duplicate(f"{at}[{index}].name", name))
        seen.add(name)
    return faults


def check_expression(source: str, at: str) -> Faults:
    """An expression that nobody could ask."""
    try:
        check_syntax(source)
    except WrongExpression as wrong:
        return [invalid(at, source, f"compilation failed: {wrong}")]
    return []
