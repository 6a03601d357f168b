"""Who may do what, and for how long a browser is known."""

from kiban.web.access import (
    IDLE_SECONDS,
    LONGEST_SECONDS,
    SESSIONS,
    Person,
    Role,
    Session,
    Sessions,
    roles_of,
)


def test_a_role_holds_for_its_verbs_in_its_environments() -> None:
    person = Person("ai", roles={"dev": Role(("read", "release"), ("dev",))})
    assert person.may("release", "dev")
    assert not person.may("release", "prod")
    assert not person.may("approve", "dev")


def test_an_act_without_an_environment_needs_a_role_for_all() -> None:
    person = Person("ai", roles={"dev": Role(("*",), ("dev",))})
    assert person.may("read", "")
    assert not person.may("operate", "")
    assert Person("ops", roles={"all": Role(("operate",))}).may("operate", "")


def test_roles_come_from_addresses_groups_and_everybody() -> None:
    people = {"*": ["viewer"], "group:red": ["red"], "ai@example.com": ["admin", "gone"]}
    mine = Role(("release",), ("dev",))
    found = roles_of(["*", "ai@example.com", "group:red"], people, {"red": mine})
    assert list(found) == ["viewer", "admin", "red"]
    assert roles_of(["*"], {}, {}) == {}


def test_a_session_ends_when_it_is_idle_or_old() -> None:
    sessions = Sessions()
    sessions.begin("a", Session(Person("ai"), "x", 0.0, 0.0))
    assert sessions.find("a", IDLE_SECONDS) is not None
    assert sessions.find("a", 2 * IDLE_SECONDS + 1) is None
    sessions.begin("b", Session(Person("ai"), "x", 0.0, 0.0))
    at = 0.0
    while at < LONGEST_SECONDS:
        assert sessions.find("b", at) is not None
        at += IDLE_SECONDS
    assert sessions.find("b", LONGEST_SECONDS + 1) is None


def test_there_are_never_more_sessions_than_the_limit() -> None:
    sessions = Sessions()
    for number in range(SESSIONS + 1):
        sessions.begin(str(number), Session(Person("ai"), "x", number, number))
    assert sessions.find("0", SESSIONS) is None
    assert sessions.find("1", SESSIONS) is not None
