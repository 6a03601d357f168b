"""examples/legacy is adopted: proved, ten times shorter, and what nobody knew of is told."""

import runpy
from functools import cache
from pathlib import Path

from kiban.adopt import Adoption, as_data, as_text
from kiban.adopt.report import plan_text
from kiban.compiler import compile_environment
from kiban.spec import load_platform
from kiban.wiring.adopting import Wish, adopt

LEGACY = Path(__file__).parents[2] / "examples" / "legacy"
ENVIRONMENTS = ("dev", "stg", "prod")


@cache
def adoption() -> Adoption:
    return adopt(Wish([str(LEGACY / name) for name in ENVIRONMENTS], "arcade"))


def test_the_files_are_what_the_script_writes(tmp_path: Path) -> None:
    runpy.run_path(str(LEGACY / "make.py"))["write"](tmp_path)
    written, kept = (
        {
            path.relative_to(root).as_posix(): path.read_text()
            for name in ENVIRONMENTS
            for path in (root / name).glob("*.yaml")
        }
        for root in (tmp_path, LEGACY)
    )
    assert written == kept, "run python examples/legacy/make.py"


def test_every_object_comes_back_and_nothing_restarts() -> None:
    proof = adoption().proof
    assert proof.objects > 150
    assert proof.deviations == ()
    assert proof.restarts == ()
    assert "nothing restarts" in plan_text(adoption())


def test_it_is_ten_times_shorter() -> None:
    # The seventeen, and the cache that they share.
    assert len(adoption().folded.services) == 18
    assert adoption().lines_before >= 10 * adoption().lines_after


def test_what_differed_by_accident_is_told_and_what_was_meant_is_not() -> None:
    accidents = "\n".join(as_data(adoption())["accidents"])
    for told in (
        "imagePullPolicy: Always in dev",
        "readinessProbe.httpGet.path: /health in stg, /healthz in dev and prod",
        "labels.teir: api in stg",
        "containers.shell",
        "CronJob/season: nothing in dev",
        "image: registry.dev.example.com/sandbox/ranking in dev",
    ):
        assert told in accidents
    for meant in ("spec.replicas", "LOG_LEVEL", "host", "tag"):
        assert meant not in accidents


def test_spellings_that_mean_the_same_are_no_difference() -> None:
    accidents = "\n".join(as_data(adoption())["accidents"])
    assert "Deployment/points containers.points.env" not in accidents
    assert "requests" not in accidents


def test_an_override_stands_where_it_differs() -> None:
    text = adoption().files["services/ranking.yaml"]
    assert "dev: {image: registry.dev.example.com/sandbox/ranking}" in text
    assert adoption().files["releases/prod.yaml"].count(": v40") == 17


def test_the_new_repo_compiles_by_itself() -> None:
    platform = load_platform(adoption().files, strict=False)
    assert len(compile_environment(platform, "prod").manifests) > 50


def test_the_report_is_for_people() -> None:
    text = as_text(adoption())
    assert text.startswith("18 services in dev, stg, prod\n")
    assert "165 of 165 objects" in text
