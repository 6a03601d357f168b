"""How the image of a service is made from its source."""

from pydantic import Field

from kiban.spec.sourcing import RepoPath
from kiban.spec.words import (
    Image,
    Name,
    Platform,
    Text,
    Variable,
    Words,
)


class Build(Words):
    """What the image is made of. The embedded cluster runs the source as it is and takes from the
    Dockerfile how; `kiban build --print` says it to Docker, for pipelines."""

    context: RepoPath = Field(
        default=".", description="Directory of the source, from the root of the repo."
    )
    dockerfile: RepoPath = Field(
        default="Dockerfile", description="The Dockerfile, from that directory."
    )
    target: Text | None = Field(
        default=None, description="The stage of the Dockerfile; the last one by default."
    )
    args: dict[Variable, Text] = Field(
        default_factory=dict, description="Build arguments. No secrets: an image shows them."
    )
    platforms: dict[Name, Platform] = Field(
        default_factory=dict,
        description="What it must run on, like linux/arm64, by any name; that of `arch` by "
        "default.",
    )
    cache: dict[Name, Image] = Field(
        default_factory=dict, description="Images whose layers can be used again, by any name."
    )
