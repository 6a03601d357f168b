"""Sources rendered by the real tools."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from kiban.adapters.sources import CommitTree, DirectoryTree, Renderer
from kiban.compiler.rendered import Rendered
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform, read_directory

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is missing")
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {level: %s}\n"
PLATFORM = "platform: shop\nenvironments: {dev: {}, prod: {}}\n"


def write(root: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def rendered(root: Path, environment: str = "dev") -> Rendered:
    platform = load_platform(read_directory(root))
    renderer = Renderer(DirectoryTree(root), root / ".kiban" / "rendered")
    return renderer.rendered(platform, environment, "east")


def levels(found: Rendered, source: str) -> dict[str, str]:
    return {one["metadata"]["name"]: one["data"]["level"] for one in found.sources[source]}


def problem(root: Path) -> str:
    with pytest.raises(KibanError) as caught:
        rendered(root)
    return str(caught.value)


def test_plain_files_are_delivered_with_what_an_environment_says_merged_over(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        {
            "platform.yaml": PLATFORM + "sources: {extras: extras}\n",
            "extras/deep/a.yaml": MAP % ("a", "info") + "---\n" + MAP % ("b", "info"),
            "extras/c.json": '{"apiVersion": "v1", "kind": "ConfigMap", '
            '"metadata": {"name": "c"}, "data": {"level": "info"}}',
            "extras/README.md": "not a manifest",
            "extras/environments/prod/a.yaml": MAP % ("a", "error") + "---\n" + MAP % ("d", "warn"),
            "extras/environments/prod/b.yaml": "$patch: delete\n" + MAP % ("b", "x"),
        },
    )
    assert levels(rendered(tmp_path), "extras") == {"a": "info", "b": "info", "c": "info"}
    found = levels(rendered(tmp_path, "prod"), "extras")
    assert found == {"a": "error", "c": "info", "d": "warn"}


@needs_kubectl
def test_a_kustomization_and_the_places_it_refers_to_are_rendered_by_the_real_tool(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        {
            "platform.yaml": PLATFORM + "sources: {k: 'k/overlays/{environment}'}\n",
            "k/base/kustomization.yaml": "resources: [map.yaml]\n"
            "configMapGenerator: [{name: made, files: [level=../shared/level.txt]}]\n",
            "k/base/map.yaml": MAP % ("a", "info"),
            "k/shared/level.txt": "high",
            "k/overlays/dev/kustomization.yaml": "resources: [../../base]\nnamePrefix: dev-\n",
            "k/overlays/prod/kustomization.yaml": "resources: [../../base]\n",
        },
    )
    with pytest.raises(KibanError, match=r"not in or below"):
        # Kustomize itself refuses files above a base; the complaint is its own.
        rendered(tmp_path)
    (tmp_path / "k/base/level.txt").write_text("high")
    base = (tmp_path / "k/base/kustomization.yaml").read_text()
    (tmp_path / "k/base/kustomization.yaml").write_text(base.replace("../shared/", ""))
    found = levels(rendered(tmp_path), "k")
    assert found["dev-a"] == "info"
    assert any(name.startswith("dev-made-") for name in found)
    assert "a" in levels(rendered(tmp_path, "prod"), "k")


@needs_kubectl
def test_what_has_not_changed_is_not_rendered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        tmp_path,
        {
            "platform.yaml": PLATFORM + "sources: {k: k}\n",
            "k/kustomization.yaml": "resources: [map.yaml]\n",
            "k/map.yaml": MAP % ("a", "info"),
        },
    )
    first = rendered(tmp_path)
    real = shutil.which("kubectl")
    assert real is not None
    (tmp_path / "elsewhere").write_text("of no concern")
    ran: list[object] = []
    run = subprocess.run

    def counted(*args: object, **more: object) -> object:
        ran.append(args)
        return run(*args, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", counted)
    assert rendered(tmp_path) == first
    assert ran == []
    (tmp_path / "k/map.yaml").write_text(MAP % ("a", "debug"))
    assert levels(rendered(tmp_path), "k") == {"a": "debug"}
    assert len(ran) == 1


def test_a_base_from_the_network_is_refused(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "platform.yaml": PLATFORM + "sources: {k: k}\n",
            "k/kustomization.yaml": "resources: ['https://example.com/base?ref=main']\n",
        },
    )
    if shutil.which("kubectl") is None and shutil.which("kustomize") is None:
        pytest.skip("neither kubectl nor kustomize is installed")
    assert "fetches 'https://example.com/base' from the network" in problem(tmp_path)


def helm(folder: Path) -> None:
    """A program named helm where there is none: it prints what it was asked, as a manifest."""
    folder.mkdir(exist_ok=True)
    script = folder / "helm"
    script.write_text(
        "#!/bin/sh\nvalues=$(cat)\n"
        "printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: asked}\\n'\n"
        'printf \'data:\\n  level: "%s"\\n  values: %s\\n\' "$*" "\'$values\'"\n'
    )
    script.chmod(0o755)


def test_a_chart_is_rendered_by_helm_with_the_values_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helm(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    write(
        tmp_path,
        {
            "platform.yaml": PLATFORM
            + "sources:\n  proxy:\n    path: charts/proxy\n    namespace: edge\n"
            + "    values: values/proxy.yaml\n    set: {replicas: 2}\n"
            + "    environments: {prod: {set: {replicas: 5}}}\n",
            "charts/proxy/Chart.yaml": "name: proxy\nversion: 1.0.0\n",
            "values/proxy.yaml": "a: b\n",
        },
    )
    dev, prod = (rendered(tmp_path, name).sources["proxy"][0] for name in ("dev", "prod"))
    assert dev["data"]["level"] == (
        "template proxy charts/proxy --include-crds --namespace edge "
        "--values values/proxy.yaml --values -"
    )
    assert dev["data"]["values"] == '{"replicas":2}'
    assert prod["data"]["values"] == '{"replicas":5}'


def test_a_tool_that_is_missing_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    write(
        tmp_path,
        {
            "platform.yaml": PLATFORM + "sources: {proxy: charts/proxy, k: k}\n",
            "charts/proxy/Chart.yaml": "name: proxy\nversion: 1.0.0\n",
            "k/kustomization.yaml": "resources: []\n",
        },
    )
    said = problem(tmp_path)
    assert "`helm` is needed and not installed" in said
    assert "Install kubectl or kustomize" in said


def test_a_chart_from_a_registry_needs_a_version(tmp_path: Path) -> None:
    helm(tmp_path / "bin")
    write(
        tmp_path,
        {"platform.yaml": PLATFORM + "sources: {proxy: {chart: 'oci://charts.example/proxy'}}\n"},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        assert "has no version" in problem(tmp_path)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "platform.yaml": PLATFORM + "sources: {gone: nowhere, broken: broken}\n",
            "broken/a.yaml": "kind: [\n",
        },
    )
    said = problem(tmp_path)
    assert "there is nothing at 'nowhere'" in said
    assert "broken/a.yaml" in said


def test_a_commit_is_rendered_without_checking_it_out(tmp_path: Path) -> None:
    root = write(
        tmp_path / "repo",
        {"platform.yaml": PLATFORM + "sources: {x: x}\n", "x/a.yaml": MAP % ("a", "info")},
    )
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "one"]):
        who = ["-c", "user.name=T", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *who, *words], cwd=root, check=True)
    platform = load_platform(read_directory(root))
    shutil.rmtree(root / "x")
    renderer = Renderer(CommitTree(root, "HEAD"), tmp_path / "cache")
    assert levels(renderer.rendered(platform, "dev", "east"), "x") == {"a": "info"}
    assert CommitTree(root, "HEAD").under(".") == ["platform.yaml", "x/a.yaml"]


def test_a_rendered_secret_with_values_is_not_kept_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "helm"
    script.write_text(
        "#!/bin/sh\ncat >/dev/null\n"
        "printf 'apiVersion: v1\\nkind: Secret\\nmetadata: {name: s}\\ndata: {k: aHVzaA==}\\n'\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    write(
        tmp_path,
        {
            "platform.yaml": PLATFORM + "sources: {proxy: charts/proxy}\n",
            "charts/proxy/Chart.yaml": "name: proxy\nversion: 1.0.0\n",
        },
    )
    assert rendered(tmp_path).sources["proxy"][0]["kind"] == "Secret"
    kept = [path for path in (tmp_path / ".kiban").rglob("*") if path.is_file()]
    assert kept == []
