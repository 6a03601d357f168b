"""Semantic versions (semver.org 2.0.0) and the ranges that people write of them.

A range is what npm made usual: `^1.4`, `~1.4.2`, `1.x`, `>=2 <3`, alternatives joined by `||`. A
pre-release is in a range only if the range names a pre-release itself.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_VERSION = re.compile(
    r"v?(\d{1,15})\.(\d{1,15})\.(\d{1,15})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)
_PART = re.compile(
    r"(?P<sign>\^|~|>=|<=|>|<|=|)\s*v?(?P<numbers>[0-9xX*]+(?:\.[0-9xX*]+){0,2})(?:-(?P<pre>\S+))?"
)

# A pre-release sorts below its release: numbers below words, and nothing above both.
Rank = tuple[int, int, int, tuple[tuple[int, int, str], ...]]
_RELEASE = ((2, 0, ""),)
_LOWEST: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version by its precedence; build metadata counts for nothing."""

    rank: Rank

    @property
    def is_prerelease(self) -> bool:
        return self.rank[3] != _RELEASE


def parse_version(text: str) -> Version | None:
    """A version, with or without a `v` before it; None for what is none."""
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    major, minor, patch = (int(match[index]) for index in (1, 2, 3))
    return Version((major, minor, patch, _prerelease(match[4] or "")))


def parse_range(text: str) -> Callable[[Version], bool]:
    """What is in a range. Raises `ValueError` for what is none."""
    alternatives = [_all_of(part) for part in text.split("||")]
    return lambda version: any(holds(version) for holds in alternatives)


def _all_of(text: str) -> Callable[[Version], bool]:
    found, at = [], 0
    stripped = text.strip()
    while at < len(stripped):
        match = _PART.match(stripped, at)
        if match is None:
            raise ValueError(f"{text.strip()!r} is not a range of versions, like ^1.4 or >=2 <3")
        found.append(_bounds(match))
        at = match.end()
        while at < len(stripped) and stripped[at] in " ,":
            at += 1
    if not found:
        raise ValueError("a range of versions cannot be empty; any version is `*`")
    names_prereleases = "-" in text

    def holds(version: Version) -> bool:
        if version.is_prerelease and not names_prereleases:
            return False
        return all(low <= version < high for low, high in found)

    return holds


def _bounds(match: re.Match[str]) -> tuple[Version, Version]:
    """From which version to before which one a part reaches."""
    numbers = [int(part) for part in match["numbers"].split(".") if part.isdigit()]
    pre = _prerelease(match["pre"]) if match["pre"] else _RELEASE
    low = _version(numbers, pre if match["pre"] or len(numbers) == 3 else _LOWEST)
    after = _next(numbers, len(numbers) - 1) if numbers else _HIGHEST
    just_after = (
        Version((*low.rank[:3], (*low.rank[3], (0, 0, "")))) if len(numbers) == 3 else after
    )
    match match["sign"]:
        case ">=":
            return low, _HIGHEST
        case ">":
            return just_after, _HIGHEST
        case "<":
            return _version([], _LOWEST), low
        case "<=":
            return _version([], _LOWEST), just_after
        case "^":
            fixed = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1)
            return low, _next(numbers, fixed) if numbers else _HIGHEST
        case "~":
            return low, _next(numbers, min(1, len(numbers) - 1)) if numbers else _HIGHEST
        case _:
            return low, just_after


def _next(numbers: list[int], fixed: int) -> Version:
    """The lowest version whose number at `fixed` is one higher."""
    return _version([*numbers[:fixed], numbers[fixed] + 1], _LOWEST)


def _version(numbers: list[int], pre: tuple[tuple[int, int, str], ...]) -> Version:
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    return Version((major, minor, patch, pre))


def _prerelease(text: str) -> tuple[tuple[int, int, str], ...]:
    if not text:
        return _RELEASE
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in text.split("."))


_HIGHEST = Version((10**15, 0, 0, _RELEASE))
