"""The same commands on another cluster, named by a context of a kubeconfig."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.conftest import Repo

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def elsewhere(repo: Repo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Another cluster, over HTTPS, that knows nothing of the repo; its kubeconfig."""
    state = tmp_path_factory.mktemp("elsewhere")
    found = repo.json("cluster", "start", "--detach", "--modelled", "--state", str(state))
    os.environ["KUBECONFIG"] = found["kubeconfig"]
    yield state
    del os.environ["KUBECONFIG"]
    repo.kiban("cluster", "stop", "--state", str(state))


def test_a_platform_is_delivered_to_a_context(repo: Repo, elsewhere: Path) -> None:
    found = repo.json("up", "--context", "kiban", "--env", "stg", "--until", "ready")
    assert found["ready"] is True
    assert found["cluster"] == {"context": "kiban"}


def test_status_and_diff_look_at_the_context(repo: Repo, elsewhere: Path) -> None:
    assert repo.json("status", "--context", "kiban", "--env", "stg")["ready"] is True
    assert repo.json("diff", "--context", "kiban", "--env", "stg")["changes"] == []
    service = repo.path / "services/hello.yaml"
    repo.commit("Greet", services__hello=service.read_text().replace("Hello", "Good day"))
    [change] = repo.json("diff", "--context", "kiban", "--env", "stg", code=1)["changes"]
    assert change["object"] == "Deployment.apps/shop-stg/hello"


def test_an_unknown_context_is_said(repo: Repo, elsewhere: Path) -> None:
    assert "nowhere" in repo.kiban("status", "--context", "nowhere", code=4)
