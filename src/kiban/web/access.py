"""Who may do what: sessions, and roles by verb and environment. Decides, and touches nothing.

A page offers only what its person may do, and the server asks here again before it does it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

EVERYTHING = "*"
# What a session lives without being used, and at most.
IDLE_SECONDS = 12 * 3600.0
LONGEST_SECONDS = 7 * 24 * 3600.0
# Nobody has so many browsers; beyond it the session that was idle longest ends.
SESSIONS = 1_000


@dataclass(frozen=True, slots=True)
class Role:
    """The verbs it allows, in the environments it is for; `*` is all."""

    verbs: tuple[str, ...]
    environments: tuple[str, ...] = (EVERYTHING,)

    def allows(self, verb: str, environment: str) -> bool:
        """An act that names no environment needs a role for all of them, except to read."""
        where = EVERYTHING in self.environments or environment in self.environments
        if not environment and verb == "read":
            where = True
        return where and (EVERYTHING in self.verbs or verb in self.verbs)


ADMIN = Role((EVERYTHING,))
VIEWER = Role(("read",))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in."""

    name: str
    email: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)

    def may(self, verb: str, environment: str = "") -> bool:
        return any(role.allows(verb, environment) for role in self.roles.values())


@dataclass(slots=True)
class Session:
    """One browser of a person. `csrf` must come back with everything that changes something."""

    person: Person
    csrf: str
    begun: float
    used: float


class Sessions:
    """The sessions there are, by the secret that their cookie holds. Times are seconds of any
    clock that only goes forward."""

    def __init__(self) -> None:
        self._known: dict[str, Session] = {}

    def begin(self, id_: str, session: Session) -> None:
        if len(self._known) >= SESSIONS:
            del self._known[min(self._known, key=lambda known: self._known[known].used)]
        self._known[id_] = session

    def find(self, id_: str, now: float) -> Session | None:
        """The session, now used; None when there is none or it has ended."""
        session = self._known.get(id_)
        if session is None:
            return None
        if now - session.used > IDLE_SECONDS or now - session.begun > LONGEST_SECONDS:
            del self._known[id_]
            return None
        session.used = now
        return session

    def end(self, id_: str) -> None:
        self._known.pop(id_, None)


def roles_of(
    names: Iterable[str], people: Mapping[str, Sequence[str]], roles: Mapping[str, Role]
) -> dict[str, Role]:
    """The roles of somebody known by these names (an address, `group:…`), from two tables."""
    known = {"admin": ADMIN, "viewer": VIEWER, **roles}
    wanted = dict.fromkeys(role for name in names for role in people.get(name, ()))
    return {role: known[role] for role in wanted if role in known}
