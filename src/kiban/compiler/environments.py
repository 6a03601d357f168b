"""Two environments held against each other: what differs in what people say, and what differs in
what it compiles to.

The environment's own name and namespace are no difference: they are read as `{environment}` and
`{namespace}`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kiban.compiler.bundle import Bundle
from kiban.kube.objects import Manifest
from kiban.kube.paths import IDENTITIES
from kiban.primitives.differences import MISSING, Difference, differences, dotted
from kiban.spec import Platform, ServiceSpec, explain
from kiban.spec.checks import NOT_JOBS
from kiban.spec.explaining import shown
from kiban.spec.validation import fields_of


@dataclass(frozen=True, slots=True)
class Change:
    """One place that differs: of a service (`stamp`) or an object (`Deployment/stamp`). `place`
    is the line that says the second value, where a line says it."""

    thing: str
    path: str
    before: Any
    after: Any
    place: str = ""

    def as_data(self) -> dict[str, Any]:
        return {
            "of": self.thing,
            "path": self.path,
            "before": None if self.before is MISSING else self.before,
            "after": None if self.after is MISSING else self.after,
            "place": self.place,
        }


def spec_changes(platform: Platform, first: str, second: str) -> list[Change]:
    """What people say differently, service by service; releases too."""
    found = []
    services = platform.services
    for name in sorted({*services[first], *services[second]}):
        sides = [services[each].get(name) for each in (first, second)]
        before, after = (
            MISSING if one is None else _said(platform, each, name)
            for each, one in zip((first, second), sides, strict=True)
        )
        for one in differences(before, after):
            place = _place(platform, name, one, second)
            path = dotted(one.path) or "service"
            found.append(Change(name, path, one.before, one.after, place))
    return found


def _said(platform: Platform, environment: str, name: str) -> dict[str, Any]:
    """The effective spec of a service as people would write it, with its release."""
    service = platform.services[environment][name]
    left_out = {"environments", "clusters", *(NOT_JOBS if service.kind == "job" else ())}
    tree = {key: value for key, value in shown(service).items() if key not in left_out}
    release = platform.releases.get(environment, {}).get(name)
    return {**tree, "release": release.tag if release else None}


def _place(platform: Platform, name: str, one: Difference, environment: str) -> str:
    """The line that says the second value, or that it is Kiban's own."""
    path = [str(part) for part in one.path]
    if path == ["release"]:
        release = platform.releases.get(environment, {}).get(name)
        return str(release.place) if release else ""
    if not path or path[0] not in fields_of(ServiceSpec):
        return ""
    chain = explain(platform, ".".join([name, *path]), environment)
    return (chain[-1].place or chain[-1].layer) if chain else ""


def manifest_changes(first: Bundle, second: Bundle) -> list[Change]:
    """What differs in the objects. Items of lists are compared by their names."""
    sides = [_by_name(bundle) for bundle in (first, second)]
    found = []
    for name in sorted({*sides[0], *sides[1]}):
        before, after = (side.get(name, MISSING) for side in sides)
        found += [
            Change(name, dotted(one.path) or "object", one.before, one.after)
            for one in differences(before, after)
        ]
    return found


def _by_name(bundle: Bundle) -> dict[str, Any]:
    return {
        f"{one['kind']}/{_neutral(one['metadata']['name'], bundle)}": _keyed(one, bundle)
        for one in bundle.manifests
    }


def _keyed(value: Any, bundle: Bundle) -> Any:
    """Lists of named things as maps, so that an addition shifts nothing."""
    if isinstance(value, dict):
        return {key: _keyed(item, bundle) for key, item in value.items()}
    if isinstance(value, list):
        named = dict(_named(value))
        if len(named) == len(value):
            return {key: _keyed(item, bundle) for key, item in named.items()}
        return [_keyed(item, bundle) for item in value]
    return _neutral(value, bundle) if isinstance(value, str) else value


def _named(items: list[Any]) -> Iterator[tuple[str, Manifest]]:
    for item in items:
        if isinstance(item, dict):
            for key in IDENTITIES:
                if key in item:
                    yield str(item[key]), item
                    break


def _neutral(text: str, bundle: Bundle) -> str:
    if text == bundle.environment:
        return "{environment}"
    return text.replace(bundle.namespace, "{namespace}")
