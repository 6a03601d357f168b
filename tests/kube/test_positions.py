"""Places in a text: found, changed, and nothing else changed."""

from typing import Any

import pytest

from kiban.kube.documents import read_documents
from kiban.kube.paths import steps_of
from kiban.kube.positions import edit_of, place_of

TEXT = """\
# The shop.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}   # one line
spec:
  replicas: 3  # three zones
  template:
    spec:
      # Nobody needs root.
      securityContext:
        runAsUser: 0

      containers:
      - image: web:v1
        name: app
        ports:
        - containerPort: 8080
      - name: proxy
        image: envoy:v1
        securityContext: {privileged: true, runAsUser: 0}
"""


def edited(path: str, value: Any = None, *, remove: bool = False, text: str = TEXT) -> str | None:
    [document], problems = read_documents("web.yaml", text)
    assert problems == []
    edit = edit_of(document, steps_of(path), value, remove=remove)
    return None if edit is None else edit.applied(document.text)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("spec.replicas", (6, 3)),
        ("spec.template.spec.containers[app].image", (14, 9)),
        ("spec.template.spec.containers[app].securityContext.privileged", (14, 9)),
        ("spec.template.spec.containers[proxy].securityContext.privileged", (20, 27)),
        ("metadata.labels.app", (4, 32)),
        ("nowhere", (2, 1)),
    ],
)
def test_a_place_is_that_of_the_deepest_part(path: str, place: tuple[int, int]) -> None:
    [document], _ = read_documents("web.yaml", TEXT)
    assert place_of(document, steps_of(path)) == place


@pytest.mark.parametrize(
    ("path", "value", "before", "after"),
    [
        ("spec.replicas", 4, "replicas: 3  # three", "replicas: 4  # three"),
        ("metadata.labels.team", "core", "{app: web}}", "{app: web, team: core}}"),
        (
            "spec.template.spec.securityContext.runAsNonRoot",
            True,
            "runAsUser: 0\n\n",
            "runAsUser: 0\n        runAsNonRoot: true\n\n",
        ),
        (
            "spec.template.spec.containers[app].securityContext.capabilities.drop",
            ["ALL"],
            "- containerPort: 8080\n",
            "- containerPort: 8080\n        securityContext:\n          capabilities:\n"
            "            drop:\n            - ALL\n",
        ),
        (
            "spec.template.spec.containers[proxy].securityContext.privileged",
            False,
            "privileged: true",
            "privileged: false",
        ),
        (
            "spec.template.spec.securityContext",
            {"runAsNonRoot": True},
            "\n        runAsUser: 0\n",
            "\n        {runAsNonRoot: true}\n",
        ),
    ],
)
def test_a_value_changes_and_nothing_else(path: str, value: Any, before: str, after: str) -> None:
    assert TEXT.count(before) == 1
    assert edited(path, value) == TEXT.replace(before, after)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("spec.replicas", "  replicas: 3  # three zones\n", ""),
        (
            "spec.template.spec.containers[proxy].securityContext.privileged",
            "{privileged: true, runAsUser: 0}",
            "{runAsUser: 0}",
        ),
        (
            "spec.template.spec.containers[proxy].securityContext.runAsUser",
            "{privileged: true, runAsUser: 0}",
            "{privileged: true}",
        ),
        ("spec.template.spec.containers[app].image", "- image: web:v1\n        name", "- name"),
        ("spec.template.spec.securityContext.runAsUser", "runAsUser: 0\n\n", "{}\n\n"),
    ],
)
def test_what_is_removed_takes_only_its_own_text(path: str, before: str, after: str) -> None:
    assert edited(path, remove=True) == TEXT.replace(before, after)


def test_what_others_share_is_not_changed() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  one: &it {a: 1}\n  two: *it\n"
    assert edited("spec.one.a", 2, text=text) is None


def test_json_stays_json() -> None:
    text = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}'
    expected = text.replace('"spec": {}', '"spec": {"hostNetwork": false}')
    assert edited("spec.hostNetwork", False, text=text) == expected


def test_what_is_so_already_needs_no_edit() -> None:
    assert edited("spec.replicas", 3) is None
