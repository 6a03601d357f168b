"""Two environments held against each other."""

from kiban.compiler import compile_environment
from kiban.compiler.environments import manifest_changes, spec_changes
from kiban.primitives.differences import MISSING
from kiban.spec import load_platform

FILES = {
    "platform.yaml": "platform: shop\nenvironments:\n  dev: {domain: a.b}\n"
    "  prod:\n    domain: a.b\n    defaults: {drain: 30s}\n",
    "services/web.yaml": "image: r/web\nport: 8080\nhealth: /ok\nroutes: {public: /}\n"
    "environments:\n  prod: {spot: 50%, env: {LEVEL: info}}\n",
    "services/new.yaml": "image: r/new\n",
    "releases/dev.yaml": "web: v2\nnew: v1\n",
    "releases/prod.yaml": "web: v1\n",
}
PLATFORM = load_platform(FILES)


def test_what_people_say_differently_has_its_unit_and_its_line() -> None:
    found = {(one.thing, one.path): one for one in spec_changes(PLATFORM, "dev", "prod")}
    drain = found["web", "drain"]
    assert (drain.before, drain.after, drain.place) == ("15s", "30s", "platform.yaml:6:23")
    assert found["web", "env.LEVEL"].before is MISSING
    assert found["web", "spot"].place == "services/web.yaml:6:16"
    assert (found["web", "release"].before, found["web", "release"].after) == ("v2", "v1")
    assert found["new", "release"].after is None


def test_an_environment_does_not_differ_from_itself() -> None:
    assert spec_changes(PLATFORM, "dev", "dev") == []


def test_names_of_environments_are_no_difference_of_objects() -> None:
    bundles = [compile_environment(PLATFORM, name) for name in ("dev", "prod")]
    found = [one for one in manifest_changes(*bundles) if one.thing == "Deployment/web"]
    pod = "spec.template.spec"
    assert {one.path for one in found} == {
        f"{pod}.affinity",
        f"{pod}.containers.app.env.KIBAN_RELEASE.value",
        f"{pod}.containers.app.env.LEVEL",
        f"{pod}.containers.app.image",
        f"{pod}.containers.app.lifecycle.preStop.sleep.seconds",
        f"{pod}.terminationGracePeriodSeconds",
        f'{pod}.topologySpreadConstraints["eks.amazonaws.com/capacityType"]',
    }
    assert {one.thing for one in manifest_changes(*bundles) if one.path == "object"} >= {
        "Deployment/new"
    }
