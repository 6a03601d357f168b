"""Folds what services say in every environment into as few lines as possible: what all services
have in common into the platform's defaults, what follows the environment into its own, the rest
into the service, with the smallest overrides.

Values are weighed leaf by leaf: a leaf stands where it costs the fewest lines, counting what it
would cost those who differ. The layers are merged exactly as `spec.layers` does.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Leaf = tuple[str, ...]
# service -> environment -> fields
Trees = Mapping[str, Mapping[str, Mapping[str, Any]]]


class _Mark:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


ABSENT, ANYTHING = _Mark("(absent)"), _Mark("(anything)")
# What may stand in defaults: fields whose parts are optional, so that one of them can be said, or
# taken away, alone. What makes a service what it is stays with it.
_SHARED = frozenset(
    (
        "resources", "scale", "health", "drain", "env", "secrets", "patches", "token",
        "concurrency", "deadline", "retries", "timezone", "team",
    )
)  # fmt: skip
_OPAQUE = "patches"


@dataclass(frozen=True, slots=True)
class Folded:
    """The layers: of the platform, of each environment, and each service with its overrides."""

    defaults: dict[str, Any] = field(default_factory=dict)
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    overrides: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)


# Whether a value that a service does not have would do it harm if all had it.
Harms = Callable[[str, str, Leaf, Any], bool]


def folded(trees: Trees, harms: Harms) -> Folded:
    """The layers whose merge gives every service the fields it has in every environment."""
    environments = list(dict.fromkeys(name for own in trees.values() for name in own))
    wanted = {
        service: {name: dict(leaves(own.get(name))) for name in own}
        for service, own in trees.items()
    }
    result = Folded(environments={name: {} for name in environments})
    every = sorted({leaf for own in wanted.values() for one in own.values() for leaf in one})
    for leaf in every:
        if leaf[0] in _SHARED:
            _share(leaf, wanted, environments, result, harms)
    for service, own in trees.items():
        lower = {name: merged(result.defaults, result.environments[name]) for name in environments}
        base = _base(wanted[service], lower, harms, service)
        result.services[service] = base
        result.overrides[service] = {}
        for name, tree in own.items():
            rest = _override(merged(lower[name], base), tree, service, name, harms)
            if rest:
                result.overrides[service][name] = rest
        for name in environments:
            if name not in own:
                _keep_sound(result, service, name, merged(lower[name], base))
    return result


def _keep_sound(result: Folded, service: str, environment: str, held: Mapping[str, Any]) -> None:
    """Where a service does not run its spec must still make sense."""
    scale = held.get("scale") or {}
    least, most = scale.get("min"), scale.get("max")
    if least is not None and most is not None and most < least:
        result.overrides[service][environment] = {"scale": {"max": least}}


def leaves(tree: Mapping[str, Any] | None, path: Leaf = ()) -> Iterable[tuple[Leaf, Any]]:
    """Every value that is not a map, and every patch whole, with its path."""
    for key, value in (tree or {}).items():
        here = (*path, key)
        if isinstance(value, Mapping) and value and not _is_whole(here):
            yield from leaves(value, here)
        else:
            yield here, value


def _is_whole(path: Leaf) -> bool:
    return len(path) == 2 and path[0] == _OPAQUE


def merged(below: Mapping[str, Any], above: Mapping[str, Any], path: Leaf = ()) -> dict[str, Any]:
    """As layers merge: maps key by key, null takes away, a patch is replaced whole."""
    value = dict(below)
    for key, item in above.items():
        here = (*path, key)
        if item is None:
            value.pop(key, None)
        elif isinstance(item, Mapping) and not _is_whole(here):
            base = value.get(key)
            value[key] = merged(base if isinstance(base, Mapping) else {}, item, here)
        else:
            value[key] = item
    return value


def _share(
    leaf: Leaf,
    wanted: Mapping[str, Mapping[str, Mapping[Leaf, Any]]],
    environments: list[str],
    result: Folded,
    harms: Harms,
) -> None:
    """Say a leaf once for all where that is shorter."""
    rows = {
        service: {name: one.get(leaf, ABSENT) for name, one in own.items()}
        for service, own in wanted.items()
    }
    best, most = None, 0
    for candidate in _candidates(rows, environments):
        gain = _gain(leaf, candidate, rows, harms)
        if gain > most:
            best, most = candidate, gain
    if best is None:
        return
    said = {name: value for name, value in best.items() if value not in (ABSENT, ANYTHING)}
    if _is_constant(best):
        put(result.defaults, leaf, next(iter(said.values())))
        return
    for name, value in said.items():
        put(result.environments[name], leaf, value)


# So many of the commonest are weighed; a rarer one could save little.
_MOST_CANDIDATES = 8


def _candidates(
    rows: Mapping[str, Mapping[str, Any]], environments: list[str]
) -> list[dict[str, Any]]:
    """What services say in all environments, the commonest first."""
    found: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = {}
    for row in rows.values():
        if any(value is not ABSENT for value in row.values()):
            full = {name: row.get(name, ANYTHING) for name in environments}
            found.setdefault(repr(full), full)
            counts[repr(full)] = counts.get(repr(full), 0) + 1
    ordered = sorted(found, key=lambda key: -counts[key])
    return [found[key] for key in ordered[:_MOST_CANDIDATES]]


def _is_constant(candidate: Mapping[str, Any]) -> bool:
    """Whether it is the same in every environment, and there in each."""
    values = [value for value in candidate.values() if value is not ANYTHING]
    return ABSENT not in values and all(value == values[0] for value in values)


def _gain(
    leaf: Leaf,
    candidate: Mapping[str, Any],
    rows: Mapping[str, Mapping[str, Any]],
    harms: Harms,
) -> int:
    """How many lines are saved when everybody inherits the candidate."""
    said = sum(value not in (ABSENT, ANYTHING) for value in candidate.values())
    gain = -1 if _is_constant(candidate) else -said
    for service, row in rows.items():
        before = _cheapest(row, {})
        inherited = {
            name: candidate[name] for name in row if candidate[name] not in (ABSENT, ANYTHING)
        }
        needs = {
            name: value
            if value is not ABSENT or _does_harm(leaf, inherited, service, name, harms)
            else ANYTHING
            for name, value in row.items()
        }
        gain += before - _cheapest(needs, inherited)
    return gain


def _does_harm(
    leaf: Leaf, inherited: Mapping[str, Any], service: str, name: str, harms: Harms
) -> bool:
    if name not in inherited:
        return True
    return harms(service, name, leaf, inherited[name])


def _cheapest(row: Mapping[str, Any], inherited: Mapping[str, Any]) -> int:
    return min(cost for _, cost in _choices(row, inherited))


def _choices(row: Mapping[str, Any], inherited: Mapping[str, Any]) -> list[tuple[Any, int]]:
    """What a service may say for all environments (`ANYTHING` is nothing), with the lines it
    takes together with the overrides that remain."""
    found = []
    options: list[Any] = [ANYTHING]
    for value in row.values():
        if value is not ANYTHING and not any(value is one or value == one for one in options):
            options.append(value)
    for option in options:
        if option is ABSENT and not inherited:
            continue
        cost = 0 if option is ANYTHING else 1
        for name, value in row.items():
            held = inherited.get(name, ABSENT) if option is ANYTHING else option
            cost += value is not ANYTHING and not (held is value or held == value)
        found.append((option, cost))
    return found


def _base(
    own: Mapping[str, Mapping[Leaf, Any]],
    lower: Mapping[str, Mapping[str, Any]],
    harms: Harms,
    service: str,
) -> dict[str, Any]:
    """What the service says for all environments."""
    below = {name: dict(leaves(tree)) for name, tree in lower.items()}
    every = dict.fromkeys(leaf for tree in [*own.values(), *below.values()] for leaf in tree)
    result: dict[str, Any] = {}
    for leaf in every:
        inherited = {name: tree[leaf] for name, tree in below.items() if leaf in tree}
        row: dict[str, Any] = {}
        for name, tree in own.items():
            value = tree.get(leaf, ABSENT)
            if value is ABSENT and name in inherited:
                harmful = _does_harm(leaf, inherited, service, name, harms)
                value = ABSENT if harmful else ANYTHING
            row[name] = value
        choices = _choices(row, inherited)
        # Of equal cost, what is said once for all reads better than the same in two places.
        option, _ = min(choices, key=lambda choice: (choice[1], choice[0] is ANYTHING))
        if all(inherited.get(name, ABSENT) == value for name, value in row.items()):
            continue
        if option is ABSENT:
            # Only where something is inherited everywhere can it be taken away for all.
            if all(leaf in tree for tree in below.values()):
                put(result, leaf, None)
        elif option is not ANYTHING and _is_complete(leaf, own):
            put(result, leaf, _instead(option, inherited.values()))
    return _nothing_said_once(result, lower)


def _nothing_said_once(
    said: dict[str, Any], lower: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Where every part is taken away, the whole is, in one word."""
    left = [merged(tree, said) for tree in lower.values()]
    return {
        name: None if name != _OPAQUE and all(tree.get(name) == {} for tree in left) else value
        for name, value in said.items()
    }


def _is_complete(leaf: Leaf, own: Mapping[str, Mapping[Leaf, Any]]) -> bool:
    """Whether a part of something that needs all its parts is there in most environments."""
    return leaf[0] in _SHARED or len(leaf) == 1 or _count(leaf, own) * 2 > len(own)


def _count(leaf: Leaf, own: Mapping[str, Mapping[Leaf, Any]]) -> int:
    return sum(any(one[:2] == leaf[:2] for one in tree) for tree in own.values())


def _override(
    held: Mapping[str, Any],
    wanted: Mapping[str, Any],
    service: str,
    environment: str,
    harms: Harms,
    path: Leaf = (),
) -> dict[str, Any]:
    """What must be said so that what is held becomes what is wanted."""
    found: dict[str, Any] = {}
    for key, value in held.items():
        here = (*path, key)
        if key not in wanted:
            if any(harms(service, environment, leaf, one) for leaf, one in _below(here, value)):
                found[key] = None
        elif isinstance(value, Mapping) and isinstance(wanted[key], Mapping):
            if _is_whole(here):
                if {**value, "remove": value.get("remove", False)} != {
                    **wanted[key],
                    "remove": wanted[key].get("remove", False),
                }:
                    found[key] = _instead(wanted[key], [value])
            elif rest := _override(value, wanted[key], service, environment, harms, here):
                found[key] = rest
        elif value != wanted[key]:
            found[key] = wanted[key]
    found |= {key: value for key, value in wanted.items() if key not in held}
    return found


def _instead(value: Any, inherited: Iterable[Any]) -> Any:
    """A patch that sets where one below removes must take that back: patches merge by key."""
    removes = any(isinstance(one, Mapping) and one.get("remove") for one in inherited)
    return {**value, "remove": False} if removes and "set" in value else value


def _below(path: Leaf, value: Any) -> Iterable[tuple[Leaf, Any]]:
    """The leaves of a value that is inherited and not wanted; none, where all its parts were taken
    away already."""
    if value == {} and path[0] in _SHARED and len(path) == 1:
        return []
    if isinstance(value, Mapping) and value and not _is_whole(path):
        return leaves(value, path)
    return [(path, value)]


def put(tree: dict[str, Any], path: Leaf, value: Any) -> None:
    """Set a leaf, making the maps on the way to it."""
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
    tree[path[-1]] = value
