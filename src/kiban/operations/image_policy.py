"""Which tag of a registry a service runs next by its policy, if any.

A policy goes only forward, and never to a tag that Git has left or that is quarantined: what was
taken back stays back, whoever took it back and however, until a person lifts it or something newer
appears.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kiban.primitives.instants import Instant
from kiban.primitives.versions import parse_range, parse_version
from kiban.spec.gates import ImagePolicy

# What a tag is ordered by; None for a tag that the policy is not about.
Rank = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What a choice looks at beside the policy: the tags of the registry, the release of now, what
    must not come again, and, for policies that ask for it, when images were made."""

    tags: Collection[str]
    current: str
    barred: Collection[str] = frozenset()
    created: Mapping[str, Instant] = field(default_factory=dict)


def choice(policy: ImagePolicy, known: Known) -> str:
    """The tag to release, or an empty string to stay."""
    rank = ranking(policy, known.created)
    now = plain_tag(known.current)
    candidates = [tag for tag in fitting(policy, known.tags) if rank(tag) is not None]
    allowed = [tag for tag in candidates if tag not in known.barred and tag != now]
    best = max(allowed, key=lambda tag: (rank(tag), tag), default="")
    here = rank(now)
    if not best or (here is not None and rank(best) <= here):
        return ""
    return best


def fitting(policy: ImagePolicy, tags: Iterable[str]) -> list[str]:
    """The tags that a policy is about, sorted."""
    if policy.semver is not None:
        holds = parse_range(policy.semver)
        found = ((tag, parse_version(tag)) for tag in tags)
        return sorted(tag for tag, version in found if version is not None and holds(version))
    pattern = re.compile(policy.pattern or "")
    return sorted(tag for tag in tags if pattern.fullmatch(tag))


def ranking(policy: ImagePolicy, created: Mapping[str, Instant]) -> Rank:
    """What a policy orders tags by."""
    if policy.semver is not None:
        return parse_version
    if policy.order == "created":
        return created.get
    pattern = re.compile(policy.pattern or "")

    def rank(tag: str) -> int | str | None:
        match = pattern.fullmatch(tag)
        if match is None:
            return None
        text = match[1] if pattern.groups else tag
        if policy.order == "text":
            return text
        return int(text) if text is not None and text.isdigit() else None

    return rank


def plain_tag(release: str) -> str:
    """A release without the digest that it is pinned to."""
    return release.partition("@")[0]
