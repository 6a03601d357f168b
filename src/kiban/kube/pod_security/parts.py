"""The parts of a pod that the controls look at, and how their findings are written."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Value = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Violation:
    """What is forbidden, and where the pod does it."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})"


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod or a template of one."""

    metadata: Value
    spec: Value

    @property
    def context(self) -> Value:
        return self.spec.get("securityContext") or {}

    @property
    def containers(self) -> list[Value]:
        kinds = ("initContainers", "containers", "ephemeralContainers")
        return [container for kind in kinds for container in self.spec.get(kind) or ()]

    @property
    def is_windows(self) -> bool:
        return (self.spec.get("os") or {}).get("name") == "windows"

    def named(self, is_bad: Callable[[Value], bool]) -> list[str]:
        """The names of the containers whose security context is bad."""
        return [
            container["name"]
            for container in self.containers
            if is_bad(container.get("securityContext") or {})
        ]


def quoted(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def containers(names: list[str]) -> str:
    """`container "a"`, or `containers "a", "b"`."""
    return f"{plural('container', len(names))} {quoted(names)}"


def setters(pod_too: bool, names: list[str]) -> str:
    """Who did it: the pod, some containers, or both."""
    said = ["pod"] if pod_too else []
    return " and ".join([*said, containers(names)] if names else said)
