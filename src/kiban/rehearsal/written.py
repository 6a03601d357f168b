"""rehearsal.yaml as it holds for one environment: checked values, each with its line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kiban.primitives.located import Located
from kiban.primitives.problems import Problem
from kiban.rehearsal.guesses import dependency_of
from kiban.rehearsal.wording import RehearsalWords, ServiceWords
from kiban.spec import Platform
from kiban.spec.layers import merge
from kiban.spec.reading import read_yaml
from kiban.spec.references import unless_known
from kiban.spec.shorthand import each, fields
from kiban.spec.spelling import spelled
from kiban.spec.validation import validate

FILE = "rehearsal.yaml"
_EMPTY = Located({}, FILE, 1, 1)
_LAYERED = ("services", "dependencies", "metrics")


@dataclass(frozen=True, slots=True)
class Written:
    """The words and the tree that they were read from."""

    words: RehearsalWords
    tree: Located

    @classmethod
    def read(
        cls,
        files: Mapping[str, str],
        platform: Platform,
        environment: str,
        problems: list[Problem],
    ) -> "Written":
        """What the files say; mistakes are added to `problems`."""
        tree = _tree(files, problems)
        problems += _unknown(tree, platform)
        found = cls(RehearsalWords(), _EMPTY)
        for name in platform.environments:
            layered = _layered(tree, name, problems)
            words = validate(RehearsalWords, layered, problems, thing="the rehearsal")
            if name == environment and words is not None:
                found = cls(words, layered)
        # What is wrong in a layer is wrong in the file and in what is merged from it.
        unique = {(one.code, one.place): one for one in reversed(problems)}
        problems[:] = unique.values()
        return found

    def service(self, name: str) -> ServiceWords:
        return self.words.services.get(name) or ServiceWords()

    def line(self, *path: str) -> str:
        """`rehearsal.yaml:12`, where a value was written."""
        found = self.tree.nearest(path)
        return f"{found.file}:{found.line}"

    def scenarios(self) -> dict[str, Located]:
        node = self.tree.get("scenarios")
        return dict(node.value) if node is not None and isinstance(node.value, dict) else {}


def _tree(files: Mapping[str, str], problems: list[Problem]) -> Located:
    tree, wrong = read_yaml(FILE, files.get(FILE, ""))
    problems += wrong
    if tree is None or tree.value is None:
        return _EMPTY
    if not isinstance(tree.value, dict):
        problems.append(Problem("spec/not-a-map", "the file must hold a map", tree.place()))
        return _EMPTY
    return _expanded(spelled(RehearsalWords, _expanded(tree), problems, "the rehearsal"))


def _expanded(tree: Located) -> Located:
    """`calls: {points: 2}` says how often."""
    services = each(fields(calls=each(_times)))
    environments = each(fields(services=services))
    return fields(services=services, environments=environments)(tree)


def _times(node: Located) -> Located:
    return node if isinstance(node.value, dict) else node.with_value({"times": node})


def _layered(tree: Located, environment: str, problems: list[Problem]) -> Located:
    """The file with what it says for one environment merged over the rest."""
    own = tree.get("environments", environment)
    if own is None or not isinstance(own.value, dict):
        return tree
    value: dict[str, Any] = dict(tree.value)
    for part in _LAYERED:
        if (above := own.get(part)) is not None:
            value[part] = merge(value.get(part), above, problems)
    return tree.with_value(value)


def _unknown(tree: Located, platform: Platform) -> Iterator[Problem]:
    """Names of environments, services and what they use that nobody has."""
    layers = [tree]
    for name, node in _items(tree.get("environments")):
        yield from unless_known("environment", name, platform.environments, node.key_place())
        layers.append(node)
    for layer in layers:
        for name, node in _items(layer.get("services")):
            yield from _unknown_in(name, node, platform)
        for name, node in _items(layer.get("dependencies")):
            yield from unless_known("dependency", name, _dependencies(platform), node.key_place())
        for _, node in _items(layer.get("metrics")):
            about = node.get("service")
            if about is not None and isinstance(about.value, str):
                services = platform.sources.services
                yield from unless_known("service", about.value, services, about.place())


def _unknown_in(service: str, node: Located, platform: Platform) -> Iterator[Problem]:
    services = platform.sources.services
    yield from unless_known("service", service, services, node.key_place())
    for source, taken in _items(node.get("takes")):
        yield from unless_known("service", source, services, taken.key_place())
    if service not in services:
        return
    effective = (specs.get(service) for specs in platform.services.values())
    used = sorted({key for spec in effective if spec is not None for key in spec.uses})
    for key, call in _items(node.get("calls")):
        yield from unless_known("use", key, used, call.key_place())


def _dependencies(platform: Platform) -> list[str]:
    """Every name by which something that is not a service is used anywhere."""
    own = {
        dependency_of(name, key, use)
        for specs in platform.services.values()
        for name, spec in specs.items()
        for key, use in spec.uses.items()
        if use.type != "service"
    }
    return sorted(own | set(platform.spec.resources))


def _items(node: Located | None) -> list[tuple[str, Located]]:
    return list(node.value.items()) if node is not None and isinstance(node.value, dict) else []
