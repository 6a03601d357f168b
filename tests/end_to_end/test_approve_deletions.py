"""A person agrees to what a commit deletes, in a real repository and journal."""

from pathlib import Path

from tests.end_to_end.conftest import Repo

from kiban.adapters.journal import Journal
from kiban.delivery.deletions import WITHHELD, is_approval
from kiban.plans import Event
from kiban.primitives.instants import Instant


def test_deletions_that_wait_are_named_and_agreed_to_once(tmp_path: Path) -> None:
    Repo(tmp_path).kiban("new", "shop")
    repo, commit = Repo(tmp_path / "shop"), "c" * 40
    journal = Journal(repo.path / ".kiban" / "journal.db")
    data = {"commit": commit, "objects": ["Service/shop-dev/web", "Service/shop-dev/old"]}
    journal.write([Event(WITHHELD, "shop/dev@tokyo", "", data=data)], Instant(1))
    assert "No deletions wait" in repo.kiban("approve", "--deletions", "--env", "prod", code=1)
    said = repo.kiban("approve", "--deletions", "--env", "dev")
    assert "agreed to 2 deletions of cccccccc (shop/dev@tokyo)" in said
    assert "- Service/shop-dev/old" in said
    last = journal.entries()[-1].record
    assert is_approval(last, commit)
    assert not is_approval(last, "d" * 40)
    assert "No deletions wait" in repo.kiban("approve", "--deletions", "--env", "dev", code=1)
    repo.kiban("approve", "--deletions", "web=v1", "--env", "dev", code=2)
    journal.close()
