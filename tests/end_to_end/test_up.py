"""From a Git repository to real traffic, and back to nothing."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.conftest import Repo, until

from kiban.cli.main import COMMANDS

pytestmark = pytest.mark.timeout(240)


def test_a_new_repo_comes_up_and_answers_through_the_gateway(platform: Repo) -> None:
    assert platform.get()[0] == 200
    assert platform.facts["addresses"][0].startswith("http://shop.localhost:")
    status = platform.json("status")
    assert status["ready"] is True
    assert [service["name"] for service in status["services"]] == ["hello"]


def test_a_commit_deploys_a_new_version(platform: Repo) -> None:
    program = platform.path / "apps/hello/main.py"
    program.write_text(program.read_text() + "\n# another version\n")
    platform.git("commit", "-aqm", "Change hello")
    [image] = platform.json("build", "hello")
    tag = image["image"].rpartition(":")[2]
    released = platform.json("release", f"hello={tag}", "--env", "dev")
    assert platform.git("rev-parse", "HEAD") == released["commit"]
    until(lambda: _delivered(platform) == released["commit"])
    assert platform.releases() == {"hello": tag}
    assert platform.get()[0] == 200


def test_the_same_release_twice_makes_one_commit(platform: Repo) -> None:
    before = platform.git("rev-parse", "HEAD")
    again = platform.json("release", f"hello={platform.releases()['hello']}")
    assert again["commit"] == before


def test_a_rollback_returns_to_the_release_that_ran_before(platform: Repo) -> None:
    until(lambda: _delivered(platform) == platform.git("rev-parse", "HEAD"))
    assert platform.json("rollback", "hello")["releases"] == {"hello": "v1"}
    until(lambda: _delivered(platform) == platform.git("rev-parse", "HEAD"))


def test_logs_and_events_say_what_happened(platform: Repo) -> None:
    assert platform.kiban("logs", "hello", "--tail", "5").strip()
    reasons = {event["reason"] for event in platform.json("events")}
    assert {"Started", "ScalingReplicaSet", "delivery/delivered"} <= reasons


def test_a_commit_with_mistakes_leaves_the_last_good_state_and_status_says_why(
    platform: Repo,
) -> None:
    service = platform.path / "services/hello.yaml"
    good = service.read_text()
    last = _delivered(platform)
    bad = good.replace("port: 8080", "prot: 8080").replace("team: core", "team: cor")
    platform.commit("Break it", services__hello=bad)
    status = until(lambda: _refused(platform))
    assert [(p["file"], p["line"]) for p in status["problems"]] == [
        ("services/hello.yaml", 2),
        ("services/hello.yaml", 6),
    ]
    assert status["delivered"] == last
    assert platform.get()[0] == 200
    platform.commit("Mend it", services__hello=good)
    until(lambda: _delivered(platform) == platform.git("rev-parse", "HEAD"))


def test_a_service_that_leaves_the_repo_is_pruned_when_the_rest_is_well(platform: Repo) -> None:
    hello = (platform.path / "services/hello.yaml").read_text()
    second = hello.replace("service: hello", "service: second")
    second = second.replace("routes: {public: /}", "routes: {public: /second}")
    releases = (platform.path / "releases/dev.yaml").read_text()
    platform.commit("Add", services__second=second, releases__dev=releases + "second: v1\n")
    until(lambda: _delivered(platform) == platform.git("rev-parse", "HEAD"))
    assert platform.get("/second")[0] == 200
    (platform.path / "services/second.yaml").unlink()
    platform.commit("Remove", releases__dev=releases)
    until(lambda: _delivered(platform) == platform.git("rev-parse", "HEAD"))
    until(lambda: platform.get("/second")[1] == platform.get("/")[1])
    assert [service["name"] for service in platform.json("status")["services"]] == ["hello"]


def test_after_kill_9_the_state_is_as_before_and_no_process_is_left_or_doubled(
    platform: Repo,
) -> None:
    # Two pods and Envoy; pods of the test before may still be on their way out.
    before = until(lambda: len(found := platform.processes()) == 3 and found)
    platform.kill()
    until(lambda: not set(before) & set(platform.processes()))
    platform.up()
    assert platform.get()[0] == 200
    assert len(platform.processes()) == 3
    assert platform.json("status")["ready"] is True


def test_down_after_kill_9_leaves_nothing(platform: Repo) -> None:
    platform.kill()
    platform.kiban("down")
    assert platform.processes() == []
    assert not (platform.path / ".kiban/up.json").exists()


def test_five_mistakes_give_five_positions_and_change_nothing(repo: Repo) -> None:
    path = repo.path / "services/hello.yaml"
    good = path.read_text()
    bad = (
        good.replace("port: 8080", "port: eighty")
        .replace("team: core", "team: cor")
        .replace("health: /healthz", "helth: /healthz")
        .replace("cpu: 50m", "cpu: 50 m")
        .replace("dev: {scale: 2}", "dve: {scale: 2}")
    )
    path.write_text(bad)
    said = repo.kiban("compile", code=1)
    path.write_text(good)
    positions = re.findall(r"^services/hello\.yaml:\d+:\d+: ", said, re.MULTILINE)
    assert len(positions) == len(set(positions)) == 5


def test_the_readme_of_a_new_repo_names_commands_that_exist(repo: Repo) -> None:
    text = Path(repo.path / "README.md").read_text()
    named = set(re.findall(r"\bkiban ([a-z]+)", text))
    assert named <= set(COMMANDS)


def _delivered(repo: Repo) -> str:
    return str(repo.status()["delivered"])


def _refused(repo: Repo) -> dict[str, Any]:
    found = repo.status()
    return found if found["problems"] else {}
