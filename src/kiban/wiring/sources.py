"""One environment compiled with everything that is delivered beside its services."""

from collections.abc import Mapping
from pathlib import Path

from kiban.adapters.git import CommitFiles, GitRepository
from kiban.adapters.sources import CommitTree, DirectoryTree, Renderer
from kiban.compiler import Bundle, Compilations, compile_environment
from kiban.spec import Platform
from kiban.wiring.places import state_of

# Where results are kept, below the state of a platform or inside Git's own directory.
CACHE = "rendered"


def renderer_of_commit(repository: GitRepository, commit: str) -> Renderer:
    """Renders what a commit holds."""
    tree = CommitTree(repository.folder, commit, repository.subfolder)
    return Renderer(tree, repository.private / CACHE)


def renderer_of_files(files: Mapping[str, str], repository: GitRepository) -> Renderer:
    """Renders what the commit holds that the files were read from."""
    commit = files.commit if isinstance(files, CommitFiles) else repository.head()
    return renderer_of_commit(repository, commit)


def renderer_of_directory(directory: Path) -> Renderer:
    """Renders what lies on the disk."""
    return Renderer(DirectoryTree(directory), state_of(directory).directory / CACHE)


def compiled(
    platform: Platform,
    environment: str,
    renderer: Renderer,
    *,
    cluster: str | None = None,
    local: bool = False,
    cache: Compilations | None = None,
) -> Bundle:
    """The bundle of an environment on one cluster, its first by default; with a `cache`, only what
    is not known to it is compiled. Raises `KibanError`."""
    clusters = platform.clusters_of(environment)
    name = cluster or (clusters[0] if clusters else "local")
    rendered = renderer.rendered(platform, environment, name)
    return compile_environment(
        platform, environment, cluster=cluster, local=local, rendered=rendered, cache=cache
    )
