"""`kiban plan` in a real repository, with no cluster."""

import subprocess
from pathlib import Path

import pytest
from tests.end_to_end.conftest import Repo


@pytest.fixture
def shop(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "shop")
    Repo(tmp_path).kiban("new", "shop")
    git(repo, "checkout", "--quiet", "-b", "feature")
    return repo


def git(repo: Repo, *arguments: str) -> None:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=repo.path, check=True, capture_output=True)


def edit(repo: Repo, path: str, old: str, new: str) -> None:
    file = repo.path / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_branch_is_compared_with_where_it_left_the_main_branch(shop: Repo) -> None:
    edit(shop, "releases/prod.yaml", "v1", "v2")
    git(shop, "commit", "--quiet", "-a", "-m", "Release v2")

    found = shop.json("plan", "main..HEAD")

    assert [plan["environment"] for plan in found["environments"]] == ["prod"]
    (each,) = found["environments"][0]["objects"]
    assert each["restarts"]
    assert found["unchanged"] == ["dev on dev", "stg on stg"]
    assert found == shop.json("plan", "main..HEAD")


def test_what_is_not_committed_counts_unless_told_otherwise(shop: Repo) -> None:
    edit(shop, "services/hello.yaml", "max: 12", "max: 14")

    assert "spec.maxReplicas: 12 -> 14" in shop.kiban("plan")
    assert "Nothing would change" in shop.kiban("plan", "main..HEAD")


def test_only_findings_that_are_new_are_told(shop: Repo) -> None:
    patch = "Deployment/hello containers[app].securityContext.privileged"
    with (shop.path / "services/hello.yaml").open("a") as file:
        file.write(f'patches: {{"{patch}": {{set: true, reason: a driver}}}}\n')

    found = shop.json("plan", "--env", "prod")

    # The API server refuses it beside allowPrivilegeEscalation: false.
    codes = {finding["code"] for finding in found["newFindings"]}
    assert codes == {"audit/privileged", "audit/schema-valid"}


def test_a_change_that_is_no_good_shows_its_mistakes(shop: Repo) -> None:
    edit(shop, "services/hello.yaml", "resources: {cpu: 50m, memory: 64Mi}", "replicas_: 1")

    said = shop.kiban("plan", code=1)

    assert "services/hello.yaml" in said


def test_a_name_that_is_no_commit_is_refused(shop: Repo) -> None:
    assert "names no commit here" in shop.kiban("plan", "nonsense..HEAD", code=4)
