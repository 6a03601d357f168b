"""A plan with a rehearsal says what would get worse, before it is merged."""

import subprocess
from pathlib import Path

import pytest

from kiban.delivery.planning.text import markdown, text
from kiban.wiring.planning import plan
from kiban.wiring.rehearsed_plan import with_rehearsal

PLATFORM = """\
platform: shop
clusters: {main: {zones: [local-1a], nodes: {pool: {instance: m5.large, min: 2, max: 2}}}}
environments: {prod: {cluster: main, domain: example.com}}
"""
SERVICE = """\
image: registry.example/web
port: 8080
health: /healthz
scale: {min: 2}
routes: {public: {path: /}}
resources: {cpu: 100m}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repo with one commit, and a change that is not committed yet."""
    root = tmp_path / "shop"
    for name, words in {
        "platform.yaml": PLATFORM,
        "services/web.yaml": SERVICE,
        "releases/prod.yaml": "web: v1\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(words)
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "Begin")
    return root


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def change(root: Path, old: str, new: str) -> None:
    file = root / "services/web.yaml"
    file.write_text(file.read_text().replace(old, new))


def test_a_change_that_does_worse_is_no_good(shop: Path) -> None:
    # No node has so much.
    change(shop, "cpu: 100m", "cpu: 16")
    found = plan(shop, "", None)
    assert found.is_deliverable
    judged = with_rehearsal(found, shop, "", "", (), 1)
    said = judged.rehearsed
    assert said is not None
    assert (said.environment, said.seeds, said.answer) == ("prod", 1, "fail")
    assert said.worse
    assert not judged.is_deliverable
    for shown in (text(judged), markdown(judged)):
        assert "Rehearsed deploy in prod, 1 seed: not every expectation holds" in shown
    assert said.worse[0] in text(judged)
    command = judged.as_data()["rehearsed"]["command"]
    assert command.startswith("kiban rehearse deploy --env prod --compare ")


def test_a_change_that_touches_nothing_or_something_new_is_not_rehearsed(shop: Path) -> None:
    assert with_rehearsal(plan(shop, "", None), shop, "", "", (), 1).rehearsed is None
    platform = shop / "platform.yaml"
    platform.write_text(platform.read_text().replace("{prod:", "{new: {cluster: main}, prod:"))
    found = plan(shop, "", "new")
    assert with_rehearsal(found, shop, "", "new", (), 1).rehearsed is None
