"""`kiban adopt` as a command: directories as teams keep them in, a repo out."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kiban.adapters.wall_clock import now
from kiban.cli.adopt import adopt_command
from kiban.primitives.problems import KibanError
from kiban.spec import read_directory
from kiban.wiring.adopting import Wish, adopt, environment_name
from kiban.wiring.compiling import bundles_here
from kiban.wiring.deliveries import refuse_findings

DEPLOYMENT = """# Ask before you scale this.
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: shop-dev, labels: &app {app: NAME}}
spec:
  selector: {matchLabels: *app}
  template:
    metadata: {labels: *app}
    spec: {containers: [{name: main, image: "shop/NAME:v1"}]}
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hush}\n"


def write(root: Path, **files: str) -> Path:
    for path, text in files.items():
        target = root / path.replace("__", "/").replace("_yaml", ".yaml").replace("_json", ".json")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return root


def run(*words: str) -> Result:
    return CliRunner().invoke(adopt_command, [*words], standalone_mode=False)


def test_a_repo_is_written_that_compiles_to_the_same(tmp_path: Path) -> None:
    for name in ("dev", "prod"):
        text = DEPLOYMENT.replace("shop-dev", f"shop-{name}")
        write(tmp_path / name, stamp_yaml=text.replace("NAME", "stamp"))
    out = tmp_path / "shop"
    result = run(str(tmp_path / "dev"), str(tmp_path / "prod"), "--out", str(out))
    assert result.return_value == 0 or result.exit_code == 0, result.output
    assert "2 of 2 objects compile back" in result.output
    [dev, prod] = bundles_here(out, None)
    assert (dev.namespace, prod.namespace) == ("shop-dev", "shop-prod")
    assert [one["kind"] for one in prod.manifests] == ["Namespace", "Deployment"]
    # What the audit finds in it was there before, and is delivered all the same.
    refuse_findings(prod, read_directory(out), now())
    # The words of people are kept.
    texts = "".join(path.read_text() for path in out.rglob("*.yaml"))
    assert "Ask before you scale this" in texts


def test_json_lists_and_documents_side_by_side(tmp_path: Path) -> None:
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}} for name in "ab"
        ],
    }
    both = DEPLOYMENT.replace("NAME", "one") + "---\n" + DEPLOYMENT.replace("NAME", "two")
    write(tmp_path, a_json=json.dumps(listed), deep__b_yaml=both, README="no manifest")
    found = adopt(Wish([str(tmp_path)], "shop"))
    assert found.proof.objects == 4
    assert found.proof.deviations == ()


def test_what_is_read_and_not_taken_is_told(tmp_path: Path) -> None:
    # In YAML as kubectl reads it, a bare `y` is true, and so no name.
    both = DEPLOYMENT.replace("NAME", "one") + "---\n" + DEPLOYMENT.replace("NAME", "y")
    write(tmp_path, a_yaml=both, values_yaml="a: b\n")
    output = run(str(tmp_path)).output
    assert "a.yaml: 1 of 2 documents are no objects with a name" in output
    assert "values.yaml: no object" in output


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is missing")
def test_overlays_are_rendered_and_folded(tmp_path: Path) -> None:
    write(
        tmp_path,
        base__kustomization_yaml="resources: [stamp.yaml]\n",
        base__stamp_yaml=DEPLOYMENT.replace("NAME", "stamp").replace(", namespace: shop-dev", ""),
        overlays__dev__kustomization_yaml="namespace: d\nresources: [../../base]\n",
        overlays__prod__kustomization_yaml="namespace: p\nresources: [../../base]\n"
        "replicas: [{name: stamp, count: 3}]\n",
    )
    folders = [str(tmp_path / "overlays" / name) for name in ("dev", "prod")]
    found = adopt(Wish(folders, "shop"))
    assert found.proof.deviations == ()
    assert [copy.namespace for copy in found.copies] == ["d", "p"]
    # The base that both refer to is counted once.
    assert [copy.lines for copy in found.copies] == [2 + 10, 3]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is missing")
def test_a_kustomization_among_other_files_is_rendered(tmp_path: Path) -> None:
    named = DEPLOYMENT.replace(", namespace: shop-dev", "")
    write(
        tmp_path,
        plain_yaml=named.replace("NAME", "plain"),
        app__kustomization_yaml="namePrefix: my-\nresources: [base]\n",
        app__base__kustomization_yaml="resources: [app.yaml]\n",
        app__base__app_yaml=named.replace("NAME", "app"),
    )
    found = adopt(Wish([f"dev={tmp_path}"], "shop"))
    names = sorted(str(name) for name in found.copies[0].objects)
    assert names == ["Deployment/my-app", "Deployment/plain"]
    assert found.proof.deviations == ()


@pytest.mark.parametrize("folder", ["", "overlays/"])
def test_environments_in_one_directory_are_found_and_ordered(tmp_path: Path, folder: str) -> None:
    for name in ("prod", "dev", "staging"):
        text = DEPLOYMENT.replace("NAME", "stamp").replace("shop-dev", f"shop-{name}")
        write(tmp_path / folder / name, a_yaml=text)
    found = adopt(Wish([str(tmp_path)], "shop"))
    assert [copy.environment for copy in found.copies] == ["dev", "staging", "prod"]
    assert found.proof.deviations == ()


def test_every_overlay_is_an_environment_however_it_is_called(tmp_path: Path) -> None:
    for name in ("prod", "eu", "dev", "base"):
        text = DEPLOYMENT.replace("NAME", "stamp").replace("shop-dev", f"shop-{name}")
        write(tmp_path / "overlays" / name, a_yaml=text)
    found = adopt(Wish([str(tmp_path)], "shop"))
    assert [copy.environment for copy in found.copies] == ["dev", "prod", "eu"]


def test_what_is_there_twice_must_be_accepted(tmp_path: Path) -> None:
    one = DEPLOYMENT.replace("NAME", "stamp")
    write(tmp_path, a_yaml=one, b_yaml=one.replace(":v1", ":v2"), c_yaml=one.replace(":v1", ":v2"))
    found = adopt(Wish([str(tmp_path)], "shop"))
    [twice] = found.proof.standing(())
    assert "is there more than once" in twice.lines()[0]
    assert found.proof.standing(("Deployment/stamp",)) == ()


def test_nothing_is_written_while_a_difference_stands(tmp_path: Path) -> None:
    write(tmp_path / "dev", a_yaml=DEPLOYMENT.replace("NAME", "stamp"), b_yaml=SECRET)
    out = tmp_path / "shop"
    result = run(str(tmp_path / "dev"), "--out", str(out))
    assert "Secret/db@dev: holds values in clear" in result.output
    assert "hush" not in result.output
    assert not out.exists()
    assert "wrote" in run(str(tmp_path / "dev"), "--out", str(out), "--accept", "Secret/db").output
    assert "hush" not in "".join(path.read_text() for path in out.rglob("*.yaml"))


def test_the_plan_says_that_nothing_restarts(tmp_path: Path) -> None:
    write(tmp_path / "dev", a_yaml=DEPLOYMENT.replace("NAME", "stamp"))
    assert "nothing restarts" in run(str(tmp_path / "dev"), "--plan").output
    data = json.loads(run(str(tmp_path / "dev"), "--json").output)
    assert (data["objects"], data["restarts"], data["differences"]) == (1, [], [])


def test_a_compose_file_is_translated(tmp_path: Path) -> None:
    write(tmp_path / "dev", compose_yaml="services: {web: {image: 'a:1', ports: [80]}}\n")
    out = tmp_path / "shop"
    assert "wrote" in run(str(tmp_path / "dev"), "--out", str(out)).output
    assert bundles_here(out, "dev")[0].manifests


def test_copilot_is_translated(tmp_path: Path) -> None:
    write(
        tmp_path,
        copilot__web__manifest_yaml="name: web\ntype: Backend Service\n"
        "image: {location: 'a:1', port: 80}\nexec: true\n",
        copilot__environments__prod__manifest_yaml="name: prod\n",
    )
    out = tmp_path / "shop"
    result = run(str(tmp_path), "--out", str(out))
    assert "1 services in prod" in result.output
    assert (out / "services/web.yaml").exists()


def test_a_directory_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "dev", a_yaml=DEPLOYMENT.replace("NAME", "stamp"))
    result = run(str(tmp_path / "dev"), "--out", str(tmp_path))
    assert isinstance(result.exception, KibanError)
    assert "not empty" in str(result.exception)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nothing at nowhere"),
        (["dev=.", "dev=."], "two directories are the environment 'dev'"),
    ],
)
def test_directories_that_make_no_sense(words: list[str], said: str) -> None:
    with pytest.raises(KibanError, match=said):
        adopt(Wish(words))


def test_a_directory_without_objects_is_told(tmp_path: Path) -> None:
    with pytest.raises(KibanError, match=r"no Kubernetes object"):
        adopt(Wish([str(tmp_path)]))


def test_a_file_is_an_environment_of_its_name(tmp_path: Path) -> None:
    for name in ("dev", "prod"):
        text = DEPLOYMENT.replace("NAME", "stamp").replace("shop-dev", f"shop-{name}")
        write(tmp_path, **{f"{name}_yaml": text})
    found = adopt(Wish([str(tmp_path / "dev.yaml"), str(tmp_path / "prod.yaml")], "shop"))
    assert [copy.environment for copy in found.copies] == ["dev", "prod"]
    [alone] = adopt(Wish([str(tmp_path / "dev.yaml")], "shop")).copies
    assert alone.environment == "dev"


def test_names_of_directories_become_names_of_environments() -> None:
    assert environment_name("Production_EU") == "production-eu"
    assert environment_name("10-dev") == "main"


def test_a_file_of_several_documents_is_no_compose_file(tmp_path: Path) -> None:
    both = DEPLOYMENT.replace("NAME", "one") + "---\n" + DEPLOYMENT.replace("NAME", "two")
    write(tmp_path, web__manifest_yaml=both)
    for place in (tmp_path, tmp_path / "web" / "manifest.yaml"):
        assert "2 of 2 objects compile back" in run(str(place)).output


def test_what_lies_beside_the_environments_must_be_accepted(tmp_path: Path) -> None:
    for name in ("dev", "prod"):
        text = DEPLOYMENT.replace("NAME", "stamp").replace("shop-dev", f"shop-{name}")
        write(tmp_path / "overlays" / name, a_yaml=text)
    write(tmp_path, forgotten_yaml=DEPLOYMENT.replace("NAME", "points"), values_yaml="a: b\n")
    found = adopt(Wish([str(tmp_path)], "shop"))
    assert [one.name for one in found.proof.standing(())] == ["File/forgotten.yaml@dev"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is missing")
def test_a_base_beside_the_environments_is_theirs(tmp_path: Path) -> None:
    named = DEPLOYMENT.replace(", namespace: shop-dev", "")
    write(
        tmp_path,
        base__kustomization_yaml="resources: [stamp.yaml]\n",
        base__stamp_yaml=named.replace("NAME", "stamp"),
        production__kustomization_yaml="namespace: p\nresources: [../base]\n",
        staging__kustomization_yaml="namespace: s\nresources: [../base]\n",
    )
    found = adopt(Wish([str(tmp_path)], "shop"))
    assert [copy.namespace for copy in found.copies] == ["s", "p"]
    assert found.proof.deviations == ()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is missing")
def test_a_kustomization_that_cannot_be_built_does_not_hide_the_others(tmp_path: Path) -> None:
    write(
        tmp_path,
        plain_yaml=DEPLOYMENT.replace("NAME", "plain"),
        part__kustomization_yaml="apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
        "patches: [{patch: 'x', target: {kind: Deployment, name: gone}}]\n",
        far__kustomization_yaml="resources: ['https://example.com/x.yaml']\n",
        gone__kustomization_yaml="resources: [nothing.yaml]\n",
    )
    found = adopt(Wish([f"dev={tmp_path}"], "shop"))
    assert [one.name for one in found.proof.standing(())] == ["File/far@dev", "File/gone@dev"]


def test_a_chart_among_other_files_is_told(tmp_path: Path) -> None:
    write(
        tmp_path,
        plain_yaml=DEPLOYMENT.replace("NAME", "plain"),
        chart__Chart_yaml="name: chart\n",
        chart__templates__a_yaml=DEPLOYMENT.replace("NAME", "templated"),
    )
    found = adopt(Wish([f"dev={tmp_path}"], "shop"))
    assert [str(name) for name in found.copies[0].objects] == ["Deployment/plain"]
    assert found.copies[0].left == ("chart/: a chart; adopt what `helm template` makes of it",)


def test_objects_of_a_kind_called_kustomization_are_delivered_as_objects(tmp_path: Path) -> None:
    flux = (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        "metadata: {name: apps}\nspec: {path: ./apps}\n"
    )
    write(tmp_path / "dev", apps_yaml=flux)
    out = tmp_path / "shop"
    run(str(tmp_path / "dev"), "--out", str(out))
    [bundle] = bundles_here(out, None)
    assert "Kustomization" in [one["kind"] for one in bundle.manifests]


def test_of_copilot_what_is_no_service_is_told(tmp_path: Path) -> None:
    write(
        tmp_path / "copilot",
        web__manifest_yaml="name: web\ntype: Backend Service\nimage: {location: 'a:1'}\n",
        site__manifest_yaml="name: site\ntype: Static Site\nfiles: [{source: dist}]\n",
        environments__prod__manifest_yaml="type: Environment\nnetwork: {vpc: {id: x}}\n",
    )
    output = run(str(tmp_path)).output
    assert "copilot.environments/prod (Environment: network.vpc.id)" in output
    assert "copilot.site (Static Site: files)" in output


def test_a_compose_file_is_read_with_what_compose_reads_beside_it(tmp_path: Path) -> None:
    write(
        tmp_path / "dev",
        compose_yaml="services: {web: {image: 'a:${TAG}', ports: [80]}}\n",
        **{"compose.override_yaml": "services: {web: {environment: {A: b}}}\n"},
        **{"compose.prod_yaml": "services: {web: {environment: {A: c}}}\n"},
    )
    (tmp_path / "dev" / ".env").write_text("# the version\nTAG='7'\n")
    out = tmp_path / "shop"
    assert "compose.compose.prod.yaml" in run(str(tmp_path / "dev")).output
    run(str(tmp_path / "dev"), "--out", str(out), "--accept", "all")
    assert (out / "releases/dev.yaml").read_text() == 'web: "7"\n'
    assert "A: b" in (out / "services/web.yaml").read_text()


def test_objects_and_compose_files_as_environments_are_adopted_apart(tmp_path: Path) -> None:
    write(tmp_path / "dev", compose_yaml="services: {web: {image: 'a:1'}}\n")
    write(tmp_path / "prod", a_yaml=DEPLOYMENT.replace("NAME", "stamp"))
    result = run(str(tmp_path / "dev"), str(tmp_path / "prod"))
    assert "is no Compose file" in str(result.exception)


def test_objects_beside_a_compose_file_are_what_runs(tmp_path: Path) -> None:
    write(
        tmp_path / "dev",
        compose_yaml="services: {web: {image: 'a:1'}}\n",
        k8s__a_yaml=DEPLOYMENT.replace("NAME", "stamp"),
    )
    output = run(str(tmp_path / "dev")).output
    assert "1 of 1 objects compile back" in output
    assert "compose.yaml: no object" in output


def test_what_a_dump_of_a_cluster_holds_beside_what_people_made_is_told(tmp_path: Path) -> None:
    dumped = DEPLOYMENT.replace("NAME", "stamp").replace(
        "labels: &app", 'annotations: {deployment.kubernetes.io/revision: "7"}, labels: &app'
    )
    owner = "{apiVersion: apps/v1, kind: Deployment, name: stamp, uid: x, controller: true}"
    owned = (
        "apiVersion: apps/v1\nkind: ReplicaSet\n"
        f"metadata: {{name: stamp-5f, ownerReferences: [{owner}]}}\n"
    )
    write(tmp_path / "dev", a_yaml=f"{dumped}status: {{replicas: 1}}\n", b_yaml=owned)
    found = adopt(Wish([str(tmp_path / "dev")], "shop"))
    assert found.copies[0].left == ("ReplicaSet/stamp-5f: made by Deployment/stamp",)
    assert found.proof.deviations == ()
    assert "revision" not in "".join(found.files.values())
