"""`${...}` that means nothing, wherever a text with placeholders may stand."""

from collections.abc import Iterator, Mapping

from kiban.primitives.problems import Problem
from kiban.spec.interpolation import faults, references
from kiban.spec.platform import Platform
from kiban.spec.references import Finder
from kiban.spec.resource_checks import told_by
from kiban.spec.service import ServiceSpec


def check_placeholders(
    platform: Platform, environment: str, service: ServiceSpec, find: Finder
) -> Iterator[Problem]:
    """Of one service in one environment."""
    texts = [(path, text) for path, text in _texts(service) if "${" in text]
    told = _told(platform, environment, service) if texts else {}
    for path, text in texts:
        place = find(*path).place()
        for fault in faults(text, told):
            yield Problem("spec/placeholder", fault, place, fix="`$${` stands for `${`")
        if path[0] == "files" and any(one.root == "resources" for one in references(text)):
            what = f"the file {path[1]} would hold what a Secret holds"
            fix = "use `secret` of the file, or `env`"
            yield Problem("spec/placeholder", what, place, fix=fix)


def _told(
    platform: Platform, environment: str, service: ServiceSpec
) -> dict[tuple[str, str], tuple[str, ...]]:
    """What everything in `uses` tells; a service without a port has no address to tell."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    known = platform.services[environment]
    for key, use in service.uses.items():
        if use.type != "service":
            found["resources", key] = told_by(platform, key, use)
        elif (other := known.get(use.name or key)) is not None:
            found["services", key] = told_by(platform, key, use) if other.port else ()
    return found


def _texts(service: ServiceSpec) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text in which placeholders are filled in, by its path."""
    groups: list[tuple[tuple[str, ...], Mapping[str, str]]] = [(("env",), service.env)]
    groups += [(("sidecars", name, "env"), one.env) for name, one in service.sidecars.items()]
    groups += [(("init", name, "env"), init.env) for name, init in service.init.items()]
    groups += [(("hooks", name, "env"), hook.env) for name, hook in service.hooks.items()]
    for path, env in groups:
        for name, text in env.items():
            yield (*path, name), text
    for name, file in service.files.items():
        if file.expand and file.content:
            yield ("files", name, "content"), file.content
