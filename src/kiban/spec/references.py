"""Names that must mean something: what to say when they do not, and where they were written."""

from collections.abc import Collection, Iterator

from kiban.primitives.located import Located
from kiban.primitives.problems import Place, Problem, nearest
from kiban.spec.platform import Sources


def unless_known(noun: str, name: str, known: Collection[str], place: Place) -> Iterator[Problem]:
    """A problem, with the nearest right name, when nothing of that noun has the name."""
    if name in known:
        return
    known = sorted(known)
    meant = nearest(name, known)
    hint = f"; did you mean {meant!r}?" if meant else ""
    fix = f"write {meant}" if meant else f"use one of: {', '.join(known)}" if known else ""
    yield Problem(f"spec/unknown-{noun}", f"there is no {noun} {name!r}{hint}", place, fix=fix)


class Finder:
    """Finds where a service got a value from: the highest layer that says it."""

    def __init__(self, sources: Sources, service: str, environment: str, cluster: str = "") -> None:
        platform, own = sources.platform, sources.services[service]
        team = own.get("team")
        self.own = own
        # In the order of the layers, the highest first.
        self._trees = (
            own.get("clusters", cluster),
            own.get("environments", environment),
            own,
            platform.get("teams", str(team.value) if team else "", "defaults"),
            platform.get("clusters", cluster, "defaults"),
            platform.get("environments", environment, "defaults"),
            platform.get("defaults"),
        )

    def __call__(self, *path: str) -> Located:
        """The value at a path; the whole service when nobody says anything."""
        for tree in self._trees:
            if tree is not None and (found := tree.get(*path)) is not None:
                return found
        return self.own

    def is_silent(self, field: str) -> bool:
        """Whether nobody says anything about a field, or the last one says null. A value that is
        wrong was said, and is reported elsewhere."""
        found = self(field)
        return found is self.own or found.value is None
