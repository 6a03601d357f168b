"""Promotion, approval and quarantine as people do them, in a real repository and journal."""

import json
from pathlib import Path

import pytest
from tests.end_to_end.conftest import Repo

from kiban.adapters.journal import Journal
from kiban.plans import Event, Plan, PlanClosed, PlanOpened, Step
from kiban.primitives.instants import Instant, later

DEV = "shop/dev@local"


@pytest.fixture
def shop(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "shop")
    Repo(tmp_path).kiban("new", "shop")
    repo.kiban("release", "hello=v2", "--env", "dev")
    return repo


def ran(repo: Repo, tag: str) -> None:
    """Write down what a delivery does."""
    now = Instant(1_700_000_000_000_000)
    journal = Journal(repo.path / ".kiban" / "journal.db")
    plan = Plan("p1", "sync", DEV, "deliver", (Step("a", "apply", "hello", "apply hello"),))
    images = {"images": {"hello": f"registry.example/shop/hello:{tag}"}}
    journal.write([PlanOpened(plan, 1), PlanClosed("p1", DEV, "done")], now)
    journal.write([Event("delivery/delivered", DEV, "", "p1", images)], later(now, 5))
    journal.close()


def test_a_release_that_is_not_known_to_run_stays(shop: Repo) -> None:
    found = shop.json("promote", "dev", "stg", code=3)

    (release,) = found["releases"]
    assert {gate["gate"]: gate["answer"] for gate in release["gates"]}["runs well"] == "unknown"
    assert found["commit"] == ""
    assert "hello: v1" in (shop.path / "releases/stg.yaml").read_text()


def test_a_release_that_runs_well_goes_on_by_a_commit(shop: Repo) -> None:
    ran(shop, "v2")

    said = shop.kiban("promote", "dev", "stg")

    assert "hello: v1 -> v2" in said
    assert "hello: v2" in (shop.path / "releases/stg.yaml").read_text()
    assert "stg runs what dev runs" in shop.kiban("promote", "dev", "stg")


def test_a_promotion_may_be_a_branch_that_waits_for_people(shop: Repo) -> None:
    ran(shop, "v2")

    found = shop.json("promote", "dev", "stg", "--pull-request")

    assert (found["branch"], found["commit"]) == ("kiban/promote-stg", "")
    assert "hello: v2" in shop.git("show", "kiban/promote-stg:releases/stg.yaml")
    assert "hello: v1" in (shop.path / "releases/stg.yaml").read_text()


def test_a_quarantined_image_is_refused_until_it_is_lifted(shop: Repo) -> None:
    ran(shop, "v2")
    shop.kiban("quarantine", "add", "hello=v2", "--reason", "greets nobody")

    assert "v2 is quarantined: greets nobody" in shop.kiban("release", "hello=v2", code=3)
    assert "✗ quarantine" in shop.kiban("promote", "dev", "stg", code=3)
    assert [each["tag"] for each in shop.json("quarantine")] == ["v2"]

    shop.kiban("quarantine", "lift", "hello=v2", "--reason", "it greets again")

    assert "hello: v1 -> v2" in shop.kiban("promote", "dev", "stg")


def test_approvals_are_counted_by_person(shop: Repo) -> None:
    ran(shop, "v2")
    platform = shop.path / "platform.yaml"
    platform.write_text(platform.read_text().replace("after: dev", "after: dev\n    approvals: 1"))
    shop.git("commit", "--quiet", "-a", "-m", "Want a yes")

    assert "0 of 1 people said yes" in shop.kiban("promote", "dev", "stg", code=3)
    shop.kiban("approve", "hello=v2", "--env", "stg")

    assert "said yes" in shop.kiban("promote", "dev", "stg")


def test_the_record_holds_the_acts_of_its_span_alone(shop: Repo) -> None:
    ran(shop, "v2")
    shop.kiban("quarantine", "add", "hello=v2", "--reason", "greets nobody")

    (line,) = shop.kiban("audit-log", "--since", "1h", "--json").splitlines()
    everything = shop.kiban("audit-log", "--since", "9999d", "--csv").splitlines()

    assert json.loads(line)["what"] == "release/quarantined"
    assert json.loads(line)["why"] == "greets nobody"
    assert len(everything) == 5
    assert "delivered" in shop.kiban("history", "--env", "dev")
