"""Where the image of a reference is: a registry's address and a repository in it, as Docker has
made usual (distribution/reference)."""

from dataclasses import dataclass

DOCKER_HUB = "registry-1.docker.io"
_LOCAL = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository of one registry."""

    host: str
    name: str

    @property
    def url(self) -> str:
        """Of its registry. As Docker does, this machine is asked without TLS."""
        bare = self.host.rpartition(":")[0] if self.host[-1:].isdigit() else self.host
        scheme = "http" if (bare or self.host) in _LOCAL else "https"
        return f"{scheme}://{self.host}"


def repository_of(image: str) -> Repository:
    """The repository of an image; a tag or digest in it is left out."""
    name = image.partition("@")[0]
    first, slash, rest = name.partition("/")
    if not slash or not (set(first) & set(".:") or first == "localhost"):
        path = name if slash else f"library/{name}"
        return Repository(DOCKER_HUB, _untagged(path))
    if first == "docker.io":
        first = DOCKER_HUB
    return Repository(first, _untagged(rest))


def _untagged(path: str) -> str:
    folder, slash, last = path.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"
