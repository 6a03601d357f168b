"""Checks of files, of a repo and of copies; what tools read of them; findings that are solved."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from shutil import which

import pytest

from kiban.adapters.wall_clock import now as wall_clock
from kiban.audit.baseline import written
from kiban.audit.heat import columns_of, heat_map
from kiban.audit.reports import FORMATS
from kiban.audit.results import Status
from kiban.compiler import compile_environment
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform, read_directory
from kiban.wiring.checking import Options, check_paths, check_platform
from kiban.wiring.deliveries import refuse_findings
from kiban.wiring.mending import mend_paths, mend_platform

BAD = """\
apiVersion: v1
kind: Pod
metadata: {name: lonely, labels: {team: core}}
spec:
  # It needs the node.
  hostNetwork: true
  containers:
  - name: app
    image: app:v1  # as tested
"""
SHOP = {
    "platform.yaml": "platform: shop\nenvironments: {dev: {domain: a.b}, prod: {domain: c.d}}\n"
    "teams: {core: {}}\n",
    "services/web.yaml": "team: core\nimage: r.example/web\nport: 8080\n"
    "health: {path: /ok, liveness: /ok}   # both\nscale: 2\n",
    "releases/dev.yaml": "web: v1\n",
    "releases/prod.yaml": "web: v1\n",
}


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    folder = tmp_path / "k8s"
    folder.mkdir()
    (folder / "pod.yaml").write_text(BAD)
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in SHOP.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "shop"


def test_a_finding_has_its_line_in_the_file(manifests: Path) -> None:
    report = check_paths([manifests], None, Options())
    [found] = [one for one in report.results if one.finding.rule == "host-network"]
    assert (found.place.file, found.place.line) == (str(manifests / "pod.yaml"), 6)
    assert (found.status, found.team) == (Status.STANDS, "core")


def test_standard_input_is_checked_like_a_file() -> None:
    report = check_paths([], BAD, Options())
    assert "host-network" in {one.finding.rule for one in report.standing}


def test_what_is_no_yaml_is_a_problem_and_the_rest_is_checked(manifests: Path) -> None:
    (manifests / "broken.yaml").write_text("a: [\n---\nkind: {{ .Values.kind }}\n")
    report = check_paths([manifests], None, Options())
    assert [(one.place.line, one.code) for one in report.problems] == [
        (2, "manifest/yaml"),
        (3, "manifest/yaml"),
    ]
    assert report.standing


def test_copies_for_environments_are_judged_apart(tmp_path: Path) -> None:
    for name in ("dev", "prod"):
        (tmp_path / name / "web").mkdir(parents=True)
        (tmp_path / name / "web" / "pod.yaml").write_text(BAD)
    report = check_paths([tmp_path], None, Options())
    assert list(report.objects) == [str(tmp_path / "dev"), str(tmp_path / "prod")]
    assert not report.problems


def test_a_baseline_lets_only_new_findings_fail(manifests: Path, tmp_path: Path) -> None:
    known = tmp_path / "known.txt"
    known.write_text(written(check_paths([manifests], None, Options()).results))
    options = Options(baseline=known)
    assert not check_paths([manifests], None, options).failed
    text = BAD.replace("hostNetwork: true", "hostNetwork: true\n  hostPID: true")
    (manifests / "pod.yaml").write_text("# moved\n" + text)
    [new] = check_paths([manifests], None, options).standing
    assert new.finding.rule == "host-pid"


def test_a_waiver_that_serves_one_environment_is_not_idle(shop: Path) -> None:
    (shop / "waivers.yaml").write_text(
        "same: {rule: liveness-equals-readiness, object: Deployment/web, environment: shop-dev, "
        "owner: core, reason: on purpose, expires: 2999-01-01}\n"
    )
    report = check_platform(shop, None, Options())
    assert report.problems == ()
    assert {
        (one.scope, one.status) for one in report.results if "liveness" in one.finding.rule
    } == {
        ("dev", Status.WAIVED),
        ("prod", Status.STANDS),
    }


def test_a_rule_that_nobody_has_is_refused(shop: Path) -> None:
    (shop / "checks.yaml").write_text("off: [tag-lates]\n")
    with pytest.raises(KibanError, match=r"there is no rule 'tag-lates'"):
        check_platform(shop, None, Options())


def test_settings_choose_rules_and_severities(shop: Path) -> None:
    text = (
        "off: [liveness-equals-readiness]\non: [digest-pinned]\nseverity: {digest-pinned: error}\n"
    )
    (shop / "checks.yaml").write_text(text)
    report = check_platform(shop, "dev", Options())
    assert {one.finding.rule for one in report.standing} == {"digest-pinned"}


def test_manifests_are_mended_with_their_comments(manifests: Path) -> None:
    options = Options()
    report = check_paths([manifests], None, options)
    [mended] = mend_paths([manifests], report, options, risky=True)
    mended.write()
    text = (manifests / "pod.yaml").read_text()
    assert "hostNetwork" not in text
    assert "# It needs the node." in text
    assert "image: app:v1  # as tested" in text
    after = {one.finding.rule for one in check_paths([manifests], None, Options()).standing}
    assert {"host-network", "allow-privilege-escalation"} & after == set()
    assert "+    securityContext:" in mended.difference


def test_a_service_is_mended_where_it_is_described(shop: Path) -> None:
    options = Options()
    report = check_platform(shop, None, options)
    [mended] = mend_platform(shop, report, options, risky=True)
    assert mended.path == shop / "services/web.yaml"
    assert mended.after == SHOP["services/web.yaml"].replace(
        "{path: /ok, liveness: /ok}", "{path: /ok}"
    )


def test_sarif_has_places_fingerprints_and_fixes(manifests: Path) -> None:
    run = json.loads(FORMATS["sarif"](check_paths([manifests], None, Options())))["runs"][0]
    [found] = [one for one in run["results"] if one["ruleId"] == "host-network"]
    assert run["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == "host-network"
    assert found["locations"][0]["physicalLocation"]["region"]["startLine"] == 6
    assert found["partialFingerprints"]["kiban/v1"]
    [replacement] = found["fixes"][0]["artifactChanges"][0]["replacements"]
    region = replacement["deletedRegion"]
    assert (region["startLine"], region["endLine"]) == (6, 7)


def test_junit_counts_what_failed_and_what_passed(manifests: Path) -> None:
    report = check_paths([manifests], None, Options())
    suite = ET.fromstring(FORMATS["junit"](report)).find("testsuite")
    assert suite is not None
    assert int(suite.get("failures", "0")) == len(report.standing)
    assert len(suite.findall("testcase")) == int(suite.get("tests", "0"))


def test_people_can_read_pages(manifests: Path) -> None:
    report = check_paths([manifests], None, Options())
    assert "`host-network`" in FORMATS["markdown"](report)
    page = FORMATS["html"](report)
    assert "<svg" in page
    assert "host-network" in page


def test_the_map_has_a_column_for_each_cluster_and_team(shop: Path) -> None:
    report = check_platform(shop, None, Options())
    columns = columns_of(report.results)
    assert {team for _, team in columns} == {"core"}
    assert all(column["liveness-equals-readiness"] == 2 for column in columns.values())
    assert ET.fromstring(heat_map(report.results)).tag.endswith("svg")


def test_a_chart_must_be_rendered_first(tmp_path: Path) -> None:
    (tmp_path / "chart/templates").mkdir(parents=True)
    (tmp_path / "chart/Chart.yaml").write_text("name: a\n")
    (tmp_path / "chart/templates/a.yaml").write_text("{{ if }}")
    [problem] = check_paths([tmp_path], None, Options()).problems
    assert problem.code == "check/helm"


def test_what_a_team_decided_holds_when_it_is_delivered(shop: Path) -> None:
    files = read_directory(shop)
    bundle = compile_environment(load_platform(files), "prod")
    refuse_findings(bundle, files, wall_clock())
    files["checks.yaml"] = "severity: {liveness-equals-readiness: error}\n"
    with pytest.raises(KibanError, match=r"ask the same question"):
        refuse_findings(bundle, files, wall_clock())
    files["checks.yaml"] += "off: [liveness-equals-readiness]\n"
    refuse_findings(bundle, files, wall_clock())


OVERLAY = {
    "base/kustomization.yaml": "resources: [pod.yaml]\n",
    "base/pod.yaml": BAD,
    "prod/kustomization.yaml": "namePrefix: prod-\nresources: [../base]\n"
    "patches: [{path: p.yaml}]\n",
    "prod/p.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: lonely}\nspec: {hostPID: true}\n",
    "alone.yaml": BAD.replace("lonely", "alone"),
}


@pytest.mark.skipif(not (which("kustomize") or which("kubectl")), reason="no Kustomize here")
def test_a_kustomization_is_judged_as_it_is_built(tmp_path: Path) -> None:
    for name, text in OVERLAY.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    options = Options()
    report = check_paths([tmp_path], None, options)
    assert report.problems == ()
    places = {(one.finding.object.name, one.place.file) for one in report.results}
    assert places == {
        ("alone", str(tmp_path / "alone.yaml")),
        ("prod-lonely", str(tmp_path / "prod/kustomization.yaml")),
    }
    assert {"host-network", "host-pid"} <= {one.finding.rule for one in report.standing}
    # What was built cannot be solved in the files it was built from.
    assert {one.path.name for one in mend_paths([tmp_path], report, options)} == {"alone.yaml"}


def test_a_file_that_is_no_text_is_not_written(manifests: Path) -> None:
    path = manifests / "pod.yaml"
    path.write_bytes(BAD.replace("It needs", "\udcff needs").encode(errors="surrogateescape"))
    options = Options()
    assert mend_paths([manifests], check_paths([manifests], None, options), options) == []


def test_lines_end_as_they_did(manifests: Path) -> None:
    path = manifests / "pod.yaml"
    path.write_bytes(BAD.replace("\n", "\r\n").encode())
    options = Options()
    [mended] = mend_paths([manifests], check_paths([manifests], None, options), options)
    mended.write()
    written = path.read_bytes()
    assert written.count(b"\r\n") == written.count(b"\n") > BAD.count("\n")


@pytest.mark.parametrize("labels", ["none", "[a]", "{team: 7}"])
def test_labels_that_are_none_are_said_and_nothing_breaks(labels: str) -> None:
    text = BAD.replace("{team: core}", labels)
    found = {one.finding.rule for one in check_paths([], text, Options()).standing}
    assert found == {"schema-valid"}
