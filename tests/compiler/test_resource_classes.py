"""Resources of a class: what asks for them, what they tell, and how texts mention it."""

from typing import Any

import pytest

from kiban.compiler import Bundle, compile_environment
from kiban.kube.objects import Manifest
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform

PLATFORM = """\
platform: shop
environments: {prod: {domain: shop.example.com}}
resources:
  main: {type: postgres, class: large}
classes:
  large:
    type: postgres
    size: 100Gi
    version: 17
    params: {replicas: 2}
    outputs: {reader: A host that only reads.}
    objects:
      claim:
        apiVersion: db.example.com/v1
        kind: Database
        metadata: {labels: {plan: gold}}
        spec: {size: '{size}', version: '{version}', copies: '{replicas}', of: '{environment}'}
  queue:
    type: queue
    params: {fifo: 'false'}
    objects:
      queue: {apiVersion: sqs.example.com/v1, kind: Queue, spec: {fifo: '{fifo}', by: '{service}'}}
"""
STAMP = "image: r/stamp:v1\nport: 8080\nhealth: /ready\n"


def bundle(said: str, *, local: bool = False) -> Bundle:
    files = {"platform.yaml": PLATFORM, "services/stamp.yaml": STAMP + said}
    return compile_environment(load_platform(files), "prod", local=local)


def compiled(said: str, *, local: bool = False) -> dict[str, Manifest]:
    found = bundle(said, local=local).manifests
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in found}


def variables(manifest: Manifest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = manifest["spec"]["template"]["spec"]["containers"][0]["env"]
    return found


def test_a_class_asks_for_what_services_share_once_and_keeps_it() -> None:
    found = compiled("uses: {main: resource}\n")["Database/main"]
    assert found["spec"] == {"size": "100Gi", "version": "17", "copies": "2", "of": "prod"}
    assert found["metadata"]["annotations"]["kiban.dev/kept"] == "true"
    labels = found["metadata"]["labels"]
    assert labels["plan"] == "gold" and labels["kiban.dev/service"] == "main"


def test_nobody_asks_for_what_nobody_uses() -> None:
    assert not any(name.startswith("Database/") for name in compiled(""))


def test_the_class_of_a_type_holds_for_those_that_name_none() -> None:
    found = compiled("uses: {jobs: {type: queue, params: {fifo: true}}}\n")
    assert found["Queue/stamp-jobs"]["spec"] == {"fifo": "true", "by": "stamp"}


def test_a_laptop_has_the_stand_in_instead_as_large_as_the_class_says() -> None:
    found = compiled("uses: {main: resource}\n", local=True)
    assert "Database/main" not in found
    claim = found["PersistentVolumeClaim/main-data"]["spec"]["resources"]["requests"]
    assert claim["storage"] == "100Gi"
    [reader] = [one for one in variables(found["Deployment/stamp"]) if one["name"] == "MAIN_READER"]
    assert reader["valueFrom"]["secretKeyRef"]["optional"] is True


def test_a_text_mentions_outputs_after_the_variables_that_hold_them() -> None:
    said = """\
uses: {main: resource}
env:
  A: ${resources.main.reader}
  MAIN_URL: ${resources.main.url}?pool=5
"""
    found = variables(compiled(said)["Deployment/stamp"])
    order = [one["name"] for one in found]
    by_name = {one["name"]: one for one in found}
    assert by_name["A"]["value"] == "$(MAIN_READER)"
    assert by_name["MAIN_URL"]["value"] == "$(KIBAN_MAIN_URL)?pool=5"
    assert order.index("MAIN_READER") < order.index("A")
    assert order.index("KIBAN_MAIN_URL") < order.index("MAIN_URL")
    assert by_name["KIBAN_MAIN_URL"]["valueFrom"]["secretKeyRef"] == {"name": "main", "key": "url"}


def test_companions_and_hooks_are_told_too() -> None:
    said = """\
uses: {main: resource}
sidecars: {proxy: {image: 'r/p:v1', env: {TO: '${resources.main.host}:5432'}}}
init: {warm: {command: [w], env: {TO: '${resources.main.host}'}}}
hooks: {migrate: {command: [m], env: {TO: '${resources.main.url}', IN: '${environment}'}}}
"""
    found = compiled(said)
    pod = found["Deployment/stamp"]["spec"]["template"]["spec"]
    proxy = [(one["name"], one.get("value")) for one in pod["initContainers"][0]["env"]]
    assert proxy == [("MAIN_HOST", None), ("TO", "$(MAIN_HOST):5432")]
    hook = {one["name"]: one.get("value") for one in variables(found["Job/stamp-migrate"])}
    assert (hook["TO"], hook["IN"]) == ("$(MAIN_URL)", "prod")


def test_a_file_knows_where_it_is_and_changes_its_pods() -> None:
    said = "files: {/a: {content: 'in ${environment} at ${domain}', expand: %s}}\n"
    plain, told = compiled(said % "false"), compiled(said % "true")
    [text] = told["ConfigMap/stamp-files"]["data"].values()
    assert text == "in prod at shop.example.com"
    notes = [
        one["Deployment/stamp"]["spec"]["template"]["metadata"]["annotations"]
        for one in (plain, told)
    ]
    assert notes[0] != notes[1]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("uses: {a: {type: postgres, class: lareg}}", "did you mean 'large'"),
        ("uses: {a: {type: redis, class: large}}", "is of postgres"),
        ("uses: {a: {type: postgres, class: large, params: {replica: 1}}}", "'replicas'"),
        ("uses: {a: {type: redis, params: {x: 1}}}", "no class that takes them"),
        ("uses: {main: {type: resource, class: large}}", "platform.yaml"),
        ("uses: {main: {type: resource, outputs: {raeder: A}}}", "'reader'"),
    ],
)
def test_what_no_class_offers_is_told_with_its_place(said: str, why: str) -> None:
    with pytest.raises(KibanError) as error:
        bundle(said)
    [problem] = error.value.problems
    assert why in str(problem) and problem.place.line == 4 and problem.place.column > 1


def test_an_object_of_a_class_must_be_one() -> None:
    files = {
        "platform.yaml": "platform: a\nenvironments: {b: {}}\n"
        "classes: {redis: {type: redis, objects: {x: {kind: 5}}}}\n",
    }
    with pytest.raises(KibanError, match=r"platform\.yaml:3:42: .*`apiVersion` and `kind`"):
        load_platform(files)
