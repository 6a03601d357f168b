"""From copies to a platform repo: propose, compile, patch what is left, fold, and prove.

A service stays a service only while that is shorter than its objects; all others, and whatever no
service accounts for, go into one directory of plain objects. Nothing is left out but Secrets in
clear, which are named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from kiban.adopt.copies import Copy, Name, head_comments
from kiban.adopt.extras import extras_of
from kiban.adopt.folding import Folded, Leaf, folded
from kiban.adopt.groups import Group, groups_of
from kiban.adopt.proof import Proof, proved
from kiban.adopt.repository import Layout, repository_files
from kiban.adopt.secret_values import in_clear
from kiban.adopt.services import Worked
from kiban.adopt.working_out import blamed, compiled, work_out
from kiban.compiler import Bundle
from kiban.primitives.problems import KibanError, Place, Problem

SECRET_WHY = "holds values in clear; they stay on the cluster and out of the repo"


@dataclass(frozen=True, slots=True)
class Options:
    """`platform` is the name of the new platform; `with_secrets` copies Secrets in clear, for
    those that are none. A service whose file is longer than the share `worth` of its objects is
    adopted as objects."""

    platform: str
    with_secrets: bool = False
    worth: float = 0.8


@dataclass(frozen=True, slots=True)
class Adoption:
    """The files of the new repo, the proof, and what is told about it."""

    copies: tuple[Copy, ...]
    files: Mapping[str, str]
    proof: Proof
    folded: Folded
    bundles: Mapping[str, Bundle]

    @property
    def lines_before(self) -> int:
        return sum(copy.lines for copy in self.copies)

    @property
    def lines_after(self) -> int:
        return sum(text.count("\n") for text in self.files.values())


def adopted(copies: Sequence[Copy], options: Options) -> Adoption:
    """Adopt what a team has. The copies are in the order of promotion."""
    _refuse_broken(copies)
    copies = tuple(replace(copy, is_alone=len(copies) == 1) for copy in copies)
    work = _Work(copies, options)
    excluded: dict[str, None] = {}
    while True:
        layout, worked = work.attempt(excluded)
        files = repository_files(layout)
        failed: list[str] = []
        try:
            bundles = compiled(files, copies)
            proof = work.with_secrets_named(proved(copies, bundles))
            failed = _failed(proof, worked) or work.not_worth_it(files, worked)
        except KibanError as error:
            failed = blamed(error, worked)
            if not failed:
                raise
        if not failed:
            return Adoption(copies, files, proof, layout.folded, bundles)
        # What cannot be said, or not shortly, is adopted as it is.
        excluded |= dict.fromkeys(failed)


def _refuse_broken(copies: Sequence[Copy]) -> None:
    """Labels that are no map cannot be read by anybody."""
    problems = [
        Problem("adopt/broken", f"`metadata.{part}` is no map", Place(one.file, one.line))
        for copy in copies
        for one in copy.documents
        for part in ("labels", "annotations")
        if not isinstance(one.manifest["metadata"].get(part) or {}, dict)
    ]
    if problems:
        raise KibanError(problems)


# service -> environment -> what was worked out
AllWorked = Mapping[str, Mapping[str, Worked]]


@dataclass(frozen=True)
class _Work:
    """The copies on their way."""

    copies: tuple[Copy, ...]
    options: Options
    _lines: dict[str, int] = field(default_factory=dict)

    @cached_property
    def _worked_out(self) -> dict[str, tuple[dict[str, tuple[Worked, str]], str]]:
        """Every service that can be one, in every environment; and the environments' domains."""
        groups = _of_one_kind({copy.environment: groups_of(copy) for copy in self.copies})
        return {
            copy.environment: work_out(self.options.platform, copy, groups[copy.environment])
            for copy in self.copies
        }

    @property
    def proposals(self) -> dict[str, dict[str, tuple[Worked, str]]]:
        return {environment: found for environment, (found, _) in self._worked_out.items()}

    @property
    def domains(self) -> dict[str, str]:
        return {environment: domain for environment, (_, domain) in self._worked_out.items()}

    def attempt(self, excluded: Mapping[str, None]) -> tuple[Layout, AllWorked]:
        """A layout with every service that can be one and is not excluded."""
        worked: dict[str, dict[str, Worked]] = {}
        releases: dict[str, dict[str, str]] = {}
        for environment, found in self.proposals.items():
            for service, (one, tag) in found.items():
                if service in excluded:
                    continue
                worked.setdefault(service, {})[environment] = one
                if tag:
                    releases.setdefault(environment, {})[service] = tag
        worked = dict(sorted(worked.items()))
        trees = {
            service: {name: one.fields for name, one in own.items()}
            for service, own in worked.items()
        }

        def harms(service: str, environment: str, leaf: Leaf, value: Any) -> bool:
            return worked[service][environment].harms(leaf, value)

        layers = folded(trees, harms)
        left = {copy.environment: self._left(copy, worked) for copy in self.copies}
        names = sorted(worked, key=len, reverse=True)
        extras = extras_of(self.copies, left, lambda name: _file_of(name, names))
        layout = Layout(
            self.options.platform,
            self.copies,
            layers,
            releases,
            {service: tuple(own) for service, own in worked.items()},
            extras,
            self.domains,
            comments={service: self._comments(own) for service, own in worked.items()},
        )
        return layout, worked

    def _comments(self, own: Mapping[str, Worked]) -> tuple[str, ...]:
        """What people wrote at the head of a service's documents, once."""
        found: dict[str, None] = {}
        for copy in self.copies:
            for name in own[copy.environment].covered if copy.environment in own else ():
                found |= dict.fromkeys(head_comments(copy.origins[name].text))
        return tuple(found)

    def _left(self, copy: Copy, worked: AllWorked) -> list[Name]:
        """What no service accounts for, and is neither a Secret in clear nor without a name."""
        taken = {
            name
            for own in worked.values()
            if copy.environment in own
            for name in own[copy.environment].covered
        }
        secrets = () if self.options.with_secrets else in_clear(copy)
        out = {*taken, *secrets, *copy.nameless}
        return [name for name in copy.objects if name not in out]

    def not_worth_it(self, files: Mapping[str, str], worked: AllWorked) -> list[str]:
        """Services that take nearly as many lines as their objects would."""
        found = []
        for service, own in worked.items():
            if service not in self._lines:
                self._lines[service] = self._lines_of(own)
            spec = files[f"services/{service}.yaml"].count("\n") + len(own)
            if spec > self.options.worth * self._lines[service]:
                found.append(service)
        return found

    def _lines_of(self, own: Mapping[str, Worked]) -> int:
        """How many lines the objects of a service would take as objects."""
        covered = {name: list(one.covered) for name, one in own.items()}
        plain = extras_of(self.copies, covered, lambda name: name.name)
        return sum(text.count("\n") for text in plain.files().values())

    def with_secrets_named(self, proof: Proof) -> Proof:
        """Secrets that were left out on purpose are said to be."""
        if self.options.with_secrets:
            return proof
        secret = {(copy.environment, name) for copy in self.copies for name in in_clear(copy)}
        return replace(
            proof,
            deviations=tuple(
                replace(one, why=SECRET_WHY) if (one.environment, one.object) in secret else one
                for one in proof.deviations
            ),
        )


def _of_one_kind(
    groups: Mapping[str, Mapping[str, Group]],
) -> dict[str, dict[str, Group]]:
    """Only services that are the same kind of workload wherever they are."""
    kinds: dict[str, dict[str, None]] = {}
    for own in groups.values():
        for name, group in own.items():
            kinds.setdefault(name, {})[group.kind] = None
    return {
        environment: {name: group for name, group in own.items() if len(kinds[name]) == 1}
        for environment, own in groups.items()
    }


def _failed(proof: Proof, worked: AllWorked) -> list[str]:
    """The services of which something does not come back, or would restart."""
    # What is there twice is so whatever becomes of it.
    found = [one for one in proof.deviations if one.kind != "repeated"]
    bad = {(one.environment, one.object) for one in found}
    bad |= {(one.environment, one.object) for one in proof.restarts}
    return [
        service
        for service, own in worked.items()
        if any((name, object_) in bad for name, one in own.items() for object_ in one.covered)
    ]


# A directory with a file of this name would be taken for one of Kustomize.
_RESERVED = "kustomization"


def _file_of(name: Name, services: Sequence[str]) -> str:
    """The objects of a service together, all others by kind."""
    for service in services:
        if name.name == service or name.name.startswith(f"{service}-"):
            break
    else:
        service = name.kind.lower()
    return f"{service}s.yaml" if service == _RESERVED else f"{service}.yaml"
