"""What branches run for a while, as the platform sees it."""

import pytest

from kiban.compiler import compile_environment
from kiban.kube.objects import key_of
from kiban.primitives.problems import KibanError
from kiban.spec import Platform, load_platform
from kiban.spec.branches import branch_path, slug

FILES = {
    "platform.yaml": "platform: shop\nenvironments: {stg: {domain: shop.example.com}, prod: {}}\n",
    "services/web.yaml": "image: registry.example/web\nport: 8080\nroutes: {public: /}\n"
    "uses: {api: service}\nscale: 3\n",
    "services/api.yaml": "image: registry.example/api\nport: 8080\n",
    "services/report.yaml": "image: registry.example/report\nschedule: '0 1 * * *'\n",
    "releases/stg.yaml": "web: v1\napi: v1\nreport: v1\n",
}
BRANCH = "expires: 2026-11-28T12:00:00Z\nreleases: {web: 007}\n"


def load(branch: str, path: str = "branches/stg/feature-x.yaml") -> Platform:
    return load_platform({**FILES, path: branch})


def test_a_service_of_a_branch_runs_beside_its_own_under_a_host_of_the_branch() -> None:
    platform = load(BRANCH)
    services = platform.services["stg"]

    assert services["web-feature-x"].routes["public"].host == "feature-x.shop.example.com"
    assert services["web-feature-x"].uses == services["web"].uses
    assert platform.releases["stg"]["web-feature-x"].tag == "007"
    assert platform.releases["stg"]["web"].tag == "v1"
    assert "web-feature-x" not in platform.services["prod"]


def test_it_is_compiled_with_one_instance_and_nobody_else_changes() -> None:
    without = compile_environment(load_platform(FILES), "stg")
    bundle = compile_environment(load(BRANCH), "stg")

    found = {(one["kind"], one["metadata"]["name"]): one for one in bundle.manifests}
    deployment = found["Deployment", "web-feature-x"]
    assert deployment["spec"]["replicas"] == 1
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/web:007"
    before = {key_of(one): one for one in without.manifests if one["kind"] == "Deployment"}
    after = {key_of(one): one for one in bundle.manifests if key_of(one) in before}
    assert after == before


def test_instead_it_takes_the_place_of_the_release() -> None:
    platform = load(BRANCH + "instead: true\n")

    assert platform.releases["stg"]["web"].tag == "007"
    assert "web-feature-x" not in platform.services["stg"]


@pytest.mark.parametrize(
    ("branch", "path", "words"),
    [
        (BRANCH, "branches/sgt/x.yaml", "there is no environment 'sgt'"),
        (BRANCH.replace("web", "wbe"), "branches/stg/x.yaml", "there is no service 'wbe'"),
        (BRANCH.replace("web", "report"), "branches/stg/x.yaml", "would run twice"),
        (BRANCH.replace("2026", "soon"), "branches/stg/x.yaml", "expires"),
        ("releases: {web: v2}\n", "branches/stg/x.yaml", "needs `expires`"),
        (BRANCH + "insted: true\n", "branches/stg/x.yaml", "insted"),
        (BRANCH, f"branches/stg/{'x' * 60}.yaml", "too long"),
    ],
)
def test_a_mistake_is_told_with_its_place(branch: str, path: str, words: str) -> None:
    with pytest.raises(KibanError) as raised:
        load(branch, path)

    (problem,) = raised.value.problems
    assert words in problem.what
    assert problem.place is not None and problem.place.file == path


def test_the_name_of_a_branch_becomes_part_of_names() -> None:
    assert slug("feature/ARC-12_new stamps!") == "feature-arc-12-new-stamp"
    assert slug("2fast") == "b2fast"
    assert slug("///") == ""
    assert branch_path("stg", "feature/x") == "branches/stg/feature-x.yaml"
