"""What is known beyond the manifests: the choices of those who check, and the place the manifests
go to. What nobody said stays unknown, and no rule guesses it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from kiban.primitives.instants import Instant
from kiban.primitives.problems import KibanError
from kiban.spec.reading import read_yaml
from kiban.spec.validation import validate
from kiban.spec.words import Count, Quantity, Text, Words

SETTINGS_FILE = "checks.yaml"


class Subnet(Words):
    """Addresses of a subnet in one zone."""

    zone: Text = Field(description="The availability zone.")
    free: Count = Field(description="Addresses that nobody has.")


class Settings(Words):
    """The file checks.yaml: which rules are asked, and what those who check decided."""

    off: list[Text] = Field(default_factory=list, description="Rules that are not asked.")
    on: list[Text] = Field(default_factory=list, description="Optional rules that are asked.")
    severity: dict[Text, Literal["advice", "warning", "error"]] = Field(
        default_factory=dict, description="Another severity for a rule."
    )
    cpu_limits: Literal["allow", "require", "forbid"] = Field(
        default="allow", description="Whether containers must have, or must not have, CPU limits."
    )
    pull_policy: Literal["", "Always", "IfNotPresent"] = Field(
        default="", description="The pull policy that every container must have."
    )
    registries: list[Text] = Field(
        default_factory=list, description="Where images may come from; anywhere by default."
    )
    labels: list[Text] = Field(
        default_factory=list, description="Labels that every workload must have."
    )
    replicas: Count = Field(default=2, description="Instances that a service needs at least.")
    limit_ratio: Count = Field(default=8, description="Most times the request that a limit is.")
    image_days: Count = Field(default=180, description="Days after which an image is stale.")
    version: Text = Field(default="", description="The Kubernetes version to be ready for.")
    zones: list[Text] = Field(default_factory=list, description="Zones of the hosted DNS.")
    architectures: list[Text] = Field(
        default_factory=list, description="Architectures of the nodes."
    )
    node_cpu: Quantity | None = Field(default=None, description="CPU of the largest node.")
    node_memory: Quantity | None = Field(default=None, description="Memory of the largest node.")
    nodes: Count | None = Field(default=None, description="How many nodes there are.")
    subnets: dict[Text, Subnet] = Field(
        default_factory=dict, description="Addresses that are free."
    )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The settings, with what somebody looked up. `image_users` says which user an image names;
    `usage` is the peak of CPU and memory by namespace/workload/container."""

    settings: Settings = field(default_factory=Settings)
    now: Instant | None = None
    image_users: Mapping[str, str] = field(default_factory=dict)
    usage: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def version(self) -> tuple[int, int] | None:
        """The Kubernetes version as numbers that compare."""
        return version_of(self.settings.version)


def version_of(text: Any) -> tuple[int, int] | None:
    """`v1.34.2` and `1.34` give (1, 34); anything else gives None."""
    major, _, rest = str(text).removeprefix("v").partition(".")
    minor = rest.partition(".")[0].rstrip("+")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


def surroundings_of(files: Mapping[str, str], now: Instant) -> Surroundings:
    """What the files of a platform repo decide. Raises `KibanError` as `load_settings` does."""
    return Surroundings(load_settings(files.get(SETTINGS_FILE, "")), now)


def load_settings(text: str, file: str = SETTINGS_FILE) -> Settings:
    """The settings of a file. Raises `KibanError` with every mistake in it."""
    tree, problems = read_yaml(file, text)
    if tree is None or tree.value is None:
        if problems:
            raise KibanError(problems)
        return Settings()
    found = validate(Settings, tree, problems, thing="the settings")
    if problems or found is None:
        raise KibanError(problems)
    return found
