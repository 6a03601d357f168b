"""The files of a platform repo to a `Platform`, or every mistake in them at once.

Pure: a mapping of paths to texts goes in. Each service is checked as it stands in every
environment, because that is what will be compiled; the same mistake is reported once.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kiban.primitives.located import Located
from kiban.primitives.problems import KibanError, Place, Problem
from kiban.spec.branch_deploy import BranchDeploy
from kiban.spec.branches import branch_files, check_branch, with_branch
from kiban.spec.checks import check_environment, check_platform, check_releases
from kiban.spec.layers import Layer, over, settled
from kiban.spec.nouns import PlatformSpec
from kiban.spec.platform import Platform, Release, Sources, layers_of
from kiban.spec.reading import read_yaml
from kiban.spec.service import ServiceSpec
from kiban.spec.shorthand import expand_platform, expand_service, tags_as_written
from kiban.spec.spelling import spelled, spelled_platform, spelled_service
from kiban.spec.validation import validate

PLATFORM_FILE = "platform.yaml"
# A service file that lives beside the source of its service.
OWN_FILES = ("kiban.yaml", "kiban.yml")
SUFFIXES = (".yaml", ".yml")
# The registry that is not one: images that only the local store holds.
LOCAL_IMAGES = "kiban.local"

# A server of files listens on a port from 1024 on, as it has no right to others, and answers at /.
STATIC: Mapping[str, Any] = {
    "port": 8080,
    "health": {"path": "/"},
    "resources": {"cpu": "50m", "memory": "64Mi"},
}

# The grammar of tags and digests (OCI distribution specification).
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?|sha256:[0-9a-f]{64}")


def load_platform(files: Mapping[str, str], *, strict: bool = False) -> Platform:
    """The platform that the files (relative path to text) describe.

    `strict` also demands a release of every service in every environment. Raises `KibanError`
    with all problems, in the order of files and lines.
    """
    problems: list[Problem] = []
    loading = _Loading(problems)
    platform = loading.load(files, strict=strict)
    if platform is None or problems:
        unique = {(problem.code, problem.place, problem.what): problem for problem in problems}
        raise KibanError(sorted(unique.values(), key=lambda one: (one.place, one.what)))
    return platform


@dataclass(slots=True)
class _Loading:
    """One load on its way."""

    problems: list[Problem]
    lower: dict[tuple[str, ...], Located | None] = field(default_factory=dict)

    def load(self, files: Mapping[str, str], *, strict: bool) -> Platform | None:
        tree = self.platform_tree(files)
        services = self.service_trees(files)
        releases = self.releases(files)
        spec = None
        if tree is not None:
            spec = validate(PlatformSpec, tree, self.problems, thing="the platform")
        if tree is None or spec is None:
            # Services can still be checked on their own, so that all mistakes come at once.
            self.effective(Sources(tree or _empty(PLATFORM_FILE), services), [])
            return None
        sources = Sources(tree, services)
        self.problems += check_platform(spec, sources)
        effective = self.effective(sources, spec.environments)
        elsewhere = self.on_clusters(sources, spec)
        platform = Platform(spec, effective, releases, sources, elsewhere)
        for environment in spec.environments:
            self.problems += check_environment(platform, environment)
        self.problems += check_releases(platform, strict=strict)
        return self.with_branches(platform, files)

    def with_branches(self, platform: Platform, files: Mapping[str, str]) -> Platform:
        """What branches run for a while, added to what the files say for good."""
        for path, environment, branch in branch_files(files):
            tree = self.tree_of(path, files[path])
            if tree is None:
                continue
            thing = f"the branch {branch}"
            tree = spelled(BranchDeploy, tags_as_written(tree), self.problems, thing)
            deploy = validate(BranchDeploy, tree, self.problems, thing=thing)
            if deploy is None:
                continue
            problems = list(check_branch(platform, environment, branch, deploy, tree))
            self.problems += problems
            if not problems:
                platform = with_branch(platform, environment, branch, deploy, tree.place())
        return platform

    def tree_of(self, path: str, text: str) -> Located | None:
        """The map that a file holds; None when it cannot be read."""
        tree, problems = read_yaml(path, text)
        self.problems += problems
        if tree is None:
            return None if problems else _empty(path)
        if tree.value is None:
            return tree.with_value({})
        if not isinstance(tree.value, dict):
            what = "the file must hold a map"
            self.problems.append(Problem("spec/not-a-map", what, tree.place()))
            return None
        return tree

    def platform_tree(self, files: Mapping[str, str]) -> Located | None:
        if PLATFORM_FILE not in files:
            what = f"there is no {PLATFORM_FILE}"
            fix = "run `kiban new` to start a platform repo, or name its directory"
            self.problems.append(Problem("spec/no-platform", what, Place(PLATFORM_FILE), fix=fix))
            return None
        tree = self.tree_of(PLATFORM_FILE, files[PLATFORM_FILE])
        return None if tree is None else spelled_platform(expand_platform(tree), self.problems)

    def service_trees(self, files: Mapping[str, str]) -> dict[str, Located]:
        found: dict[str, Located] = {}
        for path, stem in _service_files(files):
            tree = self.tree_of(path, files[path])
            if tree is None:
                # An unreadable service is still known to those who use it.
                tree = _empty(path).with_value({"image": Located(stem, path, 1, 1, text=stem)})
            tree = _named(expand_service(tree), stem)
            tree = spelled_service(tree, self.problems, f"service {stem}")
            name = tree.value["service"]
            if not isinstance(name.value, str):
                what = "the name of a service must be text"
                self.problems.append(Problem("spec/wrong-value", what, name.place()))
            elif name.value in found:
                what = f"the service {name.value!r} is described twice"
                fix = f"the other one is {found[name.value].file}; rename or delete one"
                self.problems.append(Problem("spec/twice", what, name.place(), fix=fix))
            else:
                found[name.value] = tree
        return dict(sorted(found.items()))

    def releases(self, files: Mapping[str, str]) -> dict[str, dict[str, Release]]:
        found: dict[str, dict[str, Release]] = {}
        for path, stem in _within(files, "releases/"):
            tree = self.tree_of(path, files[path])
            lines = tree.value if tree is not None else {}
            found[stem] = {}
            for service, tag in lines.items():
                if isinstance(tag.value, dict | list) or not _TAG.fullmatch(tag.text):
                    what = f"the release of {service!r} must be one image tag, or a digest"
                    fix = "letters, digits, dots, hyphens and underscores; or sha256:..."
                    self.problems.append(Problem("spec/release", what, tag.place(), fix=fix))
                else:
                    found[stem][service] = Release(tag.text, tag.key_place())
        return found

    def effective(
        self, sources: Sources, environments: Iterable[str]
    ) -> dict[str, dict[str, ServiceSpec]]:
        """The spec of every service in every environment; without any, each on its own."""
        found: dict[str, dict[str, ServiceSpec]] = {}
        names: list[str | None] = [*environments]
        for environment in names or [None]:
            found[environment or ""] = self.specs(sources, environment)
        return found

    def on_clusters(
        self, sources: Sources, spec: PlatformSpec
    ) -> dict[tuple[str, str], dict[str, ServiceSpec]]:
        """The same on each cluster for which somebody has values of its own."""
        own = {
            name
            for service in sources.services.values()
            if (tree := service.get("clusters")) is not None and isinstance(tree.value, dict)
            for name in tree.value
        }
        own |= {name for name, cluster in spec.clusters.items() if cluster.defaults}
        return {
            (name, cluster): self.specs(sources, name, cluster)
            for name, environment in spec.environments.items()
            for cluster in dict.fromkeys([environment.cluster, *environment.clusters])
            if cluster in own and cluster is not None
        }

    def specs(
        self, sources: Sources, environment: str | None, cluster: str = ""
    ) -> dict[str, ServiceSpec]:
        """The spec of every service in one environment, or on one cluster of it."""
        found: dict[str, ServiceSpec] = {}
        for name in sources.services:
            tree = self.merged(layers_of(sources, name, environment, cluster))
            spec = validate(ServiceSpec, _completed(tree), self.problems, thing=f"service {name}")
            if spec is not None:
                found[name] = spec
        return found

    def merged(self, layers: list[Layer]) -> Located:
        """The layers merged; those below the service are the same for many and merged once."""
        own = next(i for i, layer in enumerate(layers) if layer.name.startswith("service "))
        below = tuple(layer.name for layer in layers[:own])
        if below not in self.lower:
            self.lower[below] = self.laid(None, layers[:own])
        tree = self.laid(self.lower[below], layers[own:])
        assert tree is not None
        return settled(tree)

    def laid(self, tree: Located | None, layers: list[Layer]) -> Located | None:
        for layer in layers:
            tree = over(tree, layer.tree, self.problems)
        return tree


def _empty(path: str) -> Located:
    return Located({}, path, 1, 1)


def _service_files(files: Mapping[str, str]) -> list[tuple[str, str]]:
    """Those in services/, and the one that each service's own directory may have; a service is
    called like its file, or like its directory."""
    own = [
        (path, path.rpartition("/")[0].rpartition("/")[2])
        for path in files
        if path.rpartition("/")[2] in OWN_FILES and "/" in path and not path.startswith(".")
    ]
    return sorted([*_within(files, "services/"), *own])


def _within(files: Mapping[str, str], folder: str) -> list[tuple[str, str]]:
    """The YAML files directly in a folder with their stems, sorted."""
    return sorted(
        (path, path[len(folder) :].rpartition(".")[0])
        for path in files
        if path.startswith(folder) and path.endswith(SUFFIXES) and "/" not in path[len(folder) :]
    )


def _named(tree: Located, stem: str) -> Located:
    """A service without a name has its file's."""
    if "service" in tree.value:
        return tree
    return tree.with_value({"service": tree.with_value(stem), **tree.value})


def _completed(tree: Located) -> Located:
    """What follows from other fields: the kind, and the image of what is only built here; and what
    every server of static files does."""
    added: dict[str, Any] = {}
    if "kind" not in tree.value:
        is_web = "port" in tree.value or "routes" in tree.value
        added["kind"] = "job" if "schedule" in tree.value else "web" if is_web else "worker"
    if "build" in tree.value and "image" not in tree.value:
        added["image"] = f"{LOCAL_IMAGES}/{tree.value['service'].value}"
    if (kind := tree.get("kind")) is not None and kind.value == "static":
        added |= {key: value for key, value in STATIC.items() if key not in tree.value}
    if not added:
        return tree
    return tree.with_value(
        {**tree.value, **{key: _planted(tree, value) for key, value in added.items()}}
    )


def _planted(tree: Located, value: Any) -> Located:
    """A value that nobody wrote, at the place of what it follows from."""
    if isinstance(value, dict):
        value = {key: _planted(tree, item) for key, item in value.items()}
    return tree.with_value(value)
