"""Promotion by pull request: a branch that is pushed once, for people to decide."""

import subprocess

from tests.wiring.tending.conftest import PLATFORM, Shop


def ask_people(shop: Shop) -> str:
    """Have stg promoted by pull request, and the repository come from somewhere; where."""
    origin = shop.folder.parent / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", str(origin)], check=True)
    shop.git("remote", "add", "origin", str(origin))
    shop.write("platform.yaml", PLATFORM.replace("automatic", "pull-request"))
    shop.commit("Ask people")
    return str(origin)


def tips(origin: str) -> list[str]:
    done = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname:short) %(subject)"],
        cwd=origin, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def pass_gates(shop: Shop, tag: str) -> None:
    shop.wait(100)
    shop.release(tag)
    shop.deliver()
    shop.wait(61)
    shop.turn()
    shop.turn()


def test_what_passed_its_gates_is_proposed_on_a_branch_and_waits(shop: Shop) -> None:
    origin = ask_people(shop)
    pass_gates(shop, "v2")

    assert tips(origin) == ["kiban/promote-stg Promote web=v2 from dev to stg"]
    assert shop.released("stg") == "v1"
    assert "branch kiban/promote-stg" in shop.said[-1]


def test_the_same_is_not_proposed_twice_and_something_newer_takes_over(shop: Shop) -> None:
    origin = ask_people(shop)
    pass_gates(shop, "v2")
    subprocess.run(
        ["git", "update-ref", "-d", "refs/heads/kiban/promote-stg"], cwd=origin, check=True
    )
    shop.start()
    shop.turn()
    assert tips(origin) == []

    pass_gates(shop, "v3")
    assert tips(origin) == ["kiban/promote-stg Promote web=v3 from dev to stg"]


def test_without_a_remote_the_branch_is_kept_here(shop: Shop) -> None:
    shop.write("platform.yaml", PLATFORM.replace("automatic", "pull-request"))
    shop.commit("Ask people")
    pass_gates(shop, "v2")

    assert "v2" in shop.git("show", "kiban/promote-stg:releases/stg.yaml")
    assert shop.git("rev-parse", "--abbrev-ref", "HEAD") == "main"
