"""`kiban check`: the audit of what a platform repo compiles to."""

from pathlib import Path

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.audit import Severity, check, judge, load_waivers
from kiban.primitives.problems import Problem
from kiban.spec import load_platform, read_directory
from kiban.wiring.places import find_platform
from kiban.wiring.sources import compiled, renderer_of_directory


def check_platform(start: Path, environment: str | None) -> dict[str, list[Problem]]:
    """Standing findings by environment, advice left out; mistakes in the waivers are among them."""
    directory = find_platform(start)
    files = read_directory(directory)
    platform = load_platform(files)
    renderer = renderer_of_directory(directory)
    waivers = load_waivers(files.get("waivers.yaml", ""))
    found = {}
    for name in [environment] if environment else platform.environments:
        bundle = compiled(platform, name, renderer)
        judged = judge(check(bundle.manifests), waivers, wall_clock())
        standing = [item for item in judged.standing if item.severity >= Severity.WARNING]
        found[name] = [item.as_problem() for item in standing] + list(judged.problems)
    return found
