"""Whether somebody holds all the rights that a role or a binding would give.

Source: kubernetes/pkg/registry/rbac/validation/{rule,policy_compact}.go and component-helpers/
auth/rbac/validation/policy_comparator.go.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kiban.cluster.api.calls import User
from kiban.cluster.authorization.roles import ALL, rules_of
from kiban.cluster.store import Store

Rule = dict[str, Any]


def missing_rights(store: Store, user: User, namespace: str, rules: Iterable[Rule]) -> str:
    """The sentence that names the rights a user would give without having them, or nothing."""
    held = list(rules_of(store, user, namespace))
    missing = [
        part
        for rule in rules
        for part in _parts(rule)
        if not any(_covers(own, part) for own in held)
    ]
    if not missing:
        return ""
    lines = sorted({_described(rule) for rule in _compact(missing)})
    groups = _listed(user.groups)
    return (
        f'user "{user.name}" (groups={groups}) is attempting to grant RBAC permissions not '
        "currently held:\n" + "\n".join(lines)
    )


def _parts(rule: Rule) -> Iterator[Rule]:
    """A rule as rules of one group, one resource, one verb and one name each."""
    verbs = rule.get("verbs") or ()
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                part = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
                names = rule.get("resourceNames") or ()
                if not names:
                    yield part
                for name in names:
                    yield {**part, "resourceNames": [name]}
    for url in rule.get("nonResourceURLs") or ():
        for verb in verbs:
            yield {"nonResourceURLs": [url], "verbs": [verb]}


def _covers(own: Rule, part: Rule) -> bool:
    """Whether a rule gives all that a part of another one does."""
    if not _has(own.get("verbs"), part["verbs"][0]):
        return False
    if "nonResourceURLs" in part:
        return any(
            _has_path(path, part["nonResourceURLs"][0]) for path in own.get("nonResourceURLs") or ()
        )
    names = own.get("resourceNames") or ()
    wanted: Sequence[str] = part.get("resourceNames") or ()
    return (
        _has(own.get("apiGroups"), part["apiGroups"][0])
        and _has_resource(own.get("resources") or (), part["resources"][0])
        and (not names or (bool(wanted) and wanted[0] in names))
    )


def _has(listed: Sequence[str] | None, wanted: str) -> bool:
    return ALL in (listed or ()) or wanted in (listed or ())


def _has_resource(listed: Sequence[str], wanted: str) -> bool:
    if _has(listed, wanted):
        return True
    _, slash, part = wanted.partition("/")
    return bool(slash) and f"{ALL}/{part}" in listed


def _has_path(own: str, wanted: str) -> bool:
    if own in (wanted, ALL):
        return True
    return own.endswith(ALL) and wanted.rstrip(ALL).startswith(own[:-1])


def _compact(rules: Sequence[Rule]) -> list[Rule]:
    """Rules of the same resource put together, with the verbs of all."""
    found: dict[tuple[str, ...], Rule] = {}
    others: list[Rule] = []
    for rule in rules:
        if "nonResourceURLs" in rule:
            others.append(rule)
            continue
        names = rule.get("resourceNames") or ()
        key = (rule["apiGroups"][0], rule["resources"][0], *names)
        known = found.get(key)
        verbs = [*(known["verbs"] if known else ()), *rule["verbs"]]
        found[key] = {**rule, "verbs": verbs}
    return [*others, *found.values()]


_SHOWN = (
    ("APIGroups", "apiGroups"),
    ("Resources", "resources"),
    ("NonResourceURLs", "nonResourceURLs"),
    ("ResourceNames", "resourceNames"),
    ("Verbs", "verbs"),
)


def _described(rule: Rule) -> str:
    parts = [f"{called}:{_listed(rule[name])}" for called, name in _SHOWN if rule.get(name)]
    return "{" + ", ".join(parts) + "}"


def _listed(values: Iterable[str]) -> str:
    """Texts as Go prints a list of them."""
    return "[" + " ".join(f'"{value}"' for value in values) + "]"
