"""`kiban rehearse` as a user runs it: in a repository, with reports as files."""

import json
from pathlib import Path

import pytest
from tests.end_to_end.conftest import Repo

SHORT = """\
services: {hello: {peak: 40/s}}
scenarios:
  quick:
    description: A deploy in ten minutes.
    from: 12:00
    duration: 10m
    acts: [{at: 12:03, deploy: hello}]
    expect: {deployed: 5m, lost: 0}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "shop")
    Repo(tmp_path).kiban("new", "shop")
    (repo.path / "rehearsal.yaml").write_text(SHORT)
    return repo


def test_a_rehearsal_writes_a_page_a_document_and_the_log_of_its_first_seed(shop: Repo) -> None:
    said = shop.kiban("rehearse", "quick", "--seeds", "2", "--out", "out")

    assert said.startswith("PASS  shop prod, quick: 2 seeds of 10 min at working tree\n")
    out = shop.path / "out"
    assert "<svg" in (out / "report.html").read_text()
    report = json.loads((out / "report.json").read_text())
    assert [run["seed"] for run in report["runs"]] == [1, 2]
    assert any("rehearsal.yaml" in each["source"] for each in report["assumptions"])
    log = (out / "events.jsonl").read_text().splitlines()
    assert {"pod.started", "deploy.done"} <= {json.loads(line)["what"] for line in log}


def test_one_seed_gives_the_same_bytes_alone_and_among_others(shop: Repo) -> None:
    together = shop.json("rehearse", "quick", "--seeds", "2", "--out", "a")
    alone = shop.json("rehearse", "quick", "--seeds", "1", "--first-seed", "2", "--out", "b")

    assert alone["runs"][0]["digest"] == together["runs"][1]["digest"]


def test_two_revisions_are_rehearsed_under_the_same_dice_and_scenario(shop: Repo) -> None:
    # What was committed knows nothing of `quick`.
    spec = shop.path / "services/hello.yaml"
    spec.write_text(spec.read_text().replace("env: {GREETING", "drain: 0s\nenv: {GREETING"))

    found = shop.run("rehearse", "quick", "--seeds", "1", "--compare", "HEAD", "--json")

    comparison = json.loads(found.stdout)["comparison"]
    turned = {each["expectation"]: (each["before"], each["after"]) for each in comparison["turned"]}
    assert ("pass", "fail") in turned.values()
    assert found.returncode == 1


def test_what_was_recorded_is_replayed_and_fitted(shop: Repo) -> None:
    rows = [
        f"{second},hello,{20 + second % 40},{(20 + second % 40) * 0.004},3"
        for second in range(0, 600, 15)
    ]
    (shop.path / "recorded.csv").write_text("\n".join(["time,service,requests,cpu,pods", *rows]))
    file = shop.path / "rehearsal.yaml"
    file.write_text(
        file.read_text().replace(
            "duration: 10m", "duration: 10m\n    traffic: {replay: {hello: recorded.csv}}"
        )
    )

    found = shop.json("rehearse", "quick", "--seeds", "1", "--measured", "recorded.csv")

    sources = {
        each["parameter"]: each["source"]
        for each in found["assumptions"]
        if each["subject"] == "hello"
    }
    assert "recorded.csv" in sources["cpu"]
    requests = next(
        t for t in found["tracks"] if (t["figure"], t["subject"]) == ("requests", "hello")
    )
    assert max(requests["median"]) <= 60.0


def test_a_recording_that_is_not_there_is_told(shop: Repo) -> None:
    said = shop.kiban("rehearse", "quick", "--measured", "nowhere.csv", code=4)

    assert "nowhere.csv: The recording cannot be read" in said


def test_an_unknown_scenario_is_refused_before_anything_runs(shop: Repo) -> None:
    said = shop.kiban("rehearse", "zone-lost", code=1)

    assert "zone-loss" in said
    assert not (shop.path / "build").exists()
