"""`kiban check` as people and pipelines call it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kiban.cli.check import check_command
from kiban.cli.explain import explain_command
from kiban.primitives.problems import KibanError

BAD = """\
apiVersion: v1
kind: Pod
metadata: {name: lonely}
spec: {hostNetwork: true, containers: [{name: app, image: 'app:v1'}]}
"""


def run(*words: str, stdin: str = "") -> Result:
    result = CliRunner().invoke(check_command, words, input=stdin)
    if isinstance(result.exception, KibanError):
        raise result.exception
    return result


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    path = tmp_path / "pod.yaml"
    path.write_text(BAD)
    return path


def test_findings_fail_and_are_told_on_standard_error(pod: Path) -> None:
    result = run(str(pod))
    assert result.exit_code == 1
    assert "findings in 1 object" in result.stdout
    assert f"{pod}:4:8" in result.stderr


def test_standard_input_is_a_dash() -> None:
    found = json.loads(run("-", "--json", stdin=BAD).stdout)
    assert "host-network" in {one["rule"] for one in found["findings"]}


@pytest.mark.parametrize("form", ["sarif", "junit", "markdown", "html", "json", "text"])
def test_a_report_may_go_to_a_file(pod: Path, tmp_path: Path, form: str) -> None:
    out = tmp_path / "report"
    result = run(str(pod), "--format", form, "--out", str(out))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "host-network" in out.read_text()


def test_the_map_is_drawn_beside_the_report(pod: Path, tmp_path: Path) -> None:
    drawing, page = tmp_path / "map.svg", tmp_path / "map.html"
    run(str(pod), "--heat-map", str(drawing))
    run(str(pod), "--heat-map", str(page))
    assert drawing.read_text().startswith("<svg")
    assert page.read_text().startswith("<!doctype html>")


def test_a_baseline_is_written_and_kept_to(pod: Path, tmp_path: Path) -> None:
    known = tmp_path / "known.txt"
    assert run(str(pod), "--write-baseline", str(known)).exit_code == 0
    assert run(str(pod), "--baseline", str(known)).exit_code == 0


def test_a_fix_can_be_looked_at_first(pod: Path) -> None:
    shown = run(str(pod), "--fix", "--risky", "--dry-run").stdout
    assert "-spec: {hostNetwork: true, containers:" in shown
    assert pod.read_text() == BAD
    assert "look at --fix --risky --dry-run" in run(str(pod), "--fix").stderr
    assert "hostNetwork" in pod.read_text()
    run(str(pod), "--fix", "--risky")
    assert "hostNetwork" not in pod.read_text()


def test_standard_input_cannot_be_fixed() -> None:
    assert run("-", "--fix", stdin=BAD).exit_code == 2


def test_old_apis_are_found_for_the_version_to_come() -> None:
    text = "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: a}\nspec: {}\n"

    def rules(version: str) -> set[str]:
        found = json.loads(run("-", "--json", "--kubernetes-version", version, stdin=text).stdout)
        return {one["rule"] for one in found["findings"]}

    assert "api-removed" in rules("1.25")
    assert "api-deprecated" in rules("1.24")
    assert not {"api-removed", "api-deprecated"} & rules("1.20")


def test_a_rule_explains_itself() -> None:
    assert "such as:" in run("--explain", "pdb-overlap").stdout
    told = run("--explain", "CKV_K8S_22").stdout
    assert told.startswith("CKV_K8S_22 of another tool is read-only-root-fs here\n\nread-only")
    assert CliRunner().invoke(explain_command, ["pdb-overlap"]).stdout.startswith("pdb-overlap")
    with pytest.raises(KibanError, match=r"no rule 'pdb-overlaps'"):
        run("--explain", "pdb-overlaps")


def test_a_file_that_is_not_there_is_wrong_usage() -> None:
    with pytest.raises(KibanError, match=r"there is no nowhere") as caught:
        run("nowhere")
    assert caught.value.exit_code == 2


def test_a_reason_is_told_once_and_the_worst_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BAD)
    (tmp_path / "b.yaml").write_text(BAD.replace("lonely", "other"))
    result = run(str(tmp_path))
    assert result.stderr.count("[audit/host-network]") == 2
    assert result.stderr.count("why: it hears and speaks as its node") == 1
    assert " in 2 objects (8 errors, " in result.stdout
