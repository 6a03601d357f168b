"""A restore drill: delivers what ran last into a cluster of its own, and says so when it cannot."""

import subprocess
from pathlib import Path

import pytest

from kiban.adapters.journal import Journal
from kiban.plans.plan import Plan, Step
from kiban.plans.records import Event, PlanClosed, PlanOpened, Record
from kiban.primitives.instants import Instant
from kiban.primitives.problems import KibanError
from kiban.wiring.backups import backed_up, restored
from kiban.wiring.drilling import drill
from kiban.wiring.places import JOURNAL_VARIABLE

NOW = Instant(1_700_000_000_000_000)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A platform repo of one service, in which the tests run."""
    root = tmp_path / "shop"
    (root / "services").mkdir(parents=True)
    (root / "releases").mkdir()
    (root / "platform.yaml").write_text("platform: shop\nenvironments: {dev: {}}\n")
    (root / "services/web.yaml").write_text("image: registry.example/web\nport: 8080\n")
    (root / "releases/dev.yaml").write_text("web: v1\n")
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "Begin")
    monkeypatch.chdir(root)
    monkeypatch.delenv(JOURNAL_VARIABLE, raising=False)
    return root


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def delivered(root: Path, commit: str) -> None:
    """The journal says that the commit ran."""
    step = Step("service:web", "apply", "web", "apply web")
    facts = {"commit": commit, "author": "Ada", "message": "Begin"}
    plan = Plan("sync-dev-1", "sync", "shop/dev@local", "deliver it", (step,), facts=facts)
    images = {"web": "registry.example/web:v1"}
    records: list[Record] = [
        PlanOpened(plan),
        Event("delivery/delivered", "shop/dev@local", "", plan.id, {"images": images}),
        PlanClosed(plan.id, plan.subject, "done", facts=facts),
        Event("release/quarantined", "web", "bad", data={"tag": "v0", "who": "ada"}),
    ]
    (root / ".kiban").mkdir(exist_ok=True)
    journal = Journal(root / ".kiban/journal.db")
    journal.write(records, NOW)
    journal.close()


def test_a_good_backup_is_proved_and_nothing_here_is_touched(shop: Path, tmp_path: Path) -> None:
    delivered(shop, git(shop, "rev-parse", "HEAD"))
    backed_up(tmp_path / "all.backup")
    kept = sorted(shop.rglob("*"))

    said: list[str] = []
    found = drill(tmp_path / "all.backup", said.append)

    (dev,) = found.environments
    assert found.is_good, (dev, said)
    assert (dev.environment, dev.different, dev.problems) == ("dev", (), ())
    assert dev.objects >= 3
    assert (found.told.quarantines, found.told.deployments) == (1, 1)
    assert sorted(shop.rglob("*")) == kept


def test_a_commit_that_is_lost_makes_a_drill_fail(shop: Path, tmp_path: Path) -> None:
    delivered(shop, "0" * 40)
    backed_up(tmp_path / "all.backup")
    found = drill(tmp_path / "all.backup", lambda line: None)
    assert not found.is_good
    (dev,) = found.environments
    assert [problem.code for problem in dev.problems] == ["restore/commit-lost"]


def test_the_backup_of_another_platform_is_refused(shop: Path, tmp_path: Path) -> None:
    delivered(shop, "0" * 40)
    backed_up(tmp_path / "all.backup")
    (shop / "platform.yaml").write_text("platform: zoo\nenvironments: {dev: {}}\n")
    for act in (restored, lambda file: drill(file, lambda line: None)):
        with pytest.raises(KibanError, match=r"a backup of shop, and here is zoo"):
            act(tmp_path / "all.backup")


def test_a_lost_journal_is_restored_and_says_what_it_said(shop: Path, tmp_path: Path) -> None:
    delivered(shop, "0" * 40)
    _, _, before = backed_up(tmp_path / "all.backup")
    for path in (shop / ".kiban").glob("journal.db*"):
        path.unlink()
    _, after = restored(tmp_path / "all.backup")
    assert before == after
