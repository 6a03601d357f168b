"""Findings are solved in the text, and nothing else of the text changes."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audit.shop import NOW, merged

from kiban.audit import RULES, Finding, Rule, Settings, Surroundings, check
from kiban.audit.mending import mend_of, mended
from kiban.kube.documents import read_documents
from kiban.kube.objects import Manifest

AROUND = Surroundings(Settings(on=[rule.name for rule in RULES if rule.optional]), NOW)
MENDED = [rule for rule in RULES if rule.mend is not None]
NAMES = {rule.name for rule in MENDED}


def solvable(text: str) -> list[Finding]:
    documents, problems = read_documents("all.yaml", text)
    assert problems == []
    found = check([one.manifest for one in documents], around=AROUND)
    return [one for one in found if mend_of(one) is not None]


def fully_mended(text: str) -> str:
    for _ in range(5):
        text, solved = mended(text, "all.yaml", solvable(text))
        if not solved:
            return text
    raise AssertionError("solving goes on and on")


def written(manifests: list[Manifest], *, flow: bool, indent: int, windows: bool) -> str:
    """The manifests as somebody may have written them, with a remark in every document."""
    parts = [
        yaml.safe_dump(one, sort_keys=False, default_flow_style=flow, indent=indent, width=10_000)
        for one in manifests
    ]
    text = "# A remark of the file.\n" + "---\n# Of a document.\n".join(
        f"{part.rstrip()}\n# Its end.\n" for part in parts
    )
    return text.replace("\n", "\r\n") if windows else text


def remarks(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(MENDED), st.booleans(), st.sampled_from([2, 4]), st.booleans())
def test_solving_twice_is_solving_once_in_any_style(
    rule: Rule, flow: bool, indent: int, windows: bool
) -> None:
    text = written(merged(rule.example), flow=flow, indent=indent, windows=windows)
    after = fully_mended(text)
    assert mended(after, "all.yaml", solvable(after)) == (after, [])
    assert remarks(after) == remarks(text)
    assert after.count("\r\n") == (after.count("\n") if windows else 0)


@pytest.mark.parametrize("rule", MENDED, ids=lambda rule: rule.name)
def test_what_is_solved_is_gone_and_breaks_nothing_else(rule: Rule) -> None:
    text = written(merged(rule.example), flow=False, indent=2, windows=False)
    before, after = (check(manifests(one), around=AROUND) for one in (text, fully_mended(text)))
    said = {(one.rule, one.object) for one in before}
    assert not [one for one in after if one.rule == rule.name]
    # A right that is given back, or a probe that is gone, may be missed by a milder rule.
    worse = {one.rule for one in after if (one.rule, one.object) not in said}
    assert worse <= {"liveness-missing", "run-as-non-root", "service-target-port-name"}


def manifests(text: str) -> list[Manifest]:
    return [one.manifest for one in read_documents("all.yaml", text)[0]]


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  # It needs the node.
  hostNetwork: true
  containers:
  - name: app
    image: 'r.example/app:v1'  # as tested
"""


def rewritten(text: str, rule: str) -> str:
    return mended(text, "pod.yaml", [one for one in solvable(text) if one.rule == rule])[0]


def test_a_file_keeps_the_mark_at_its_beginning() -> None:
    assert rewritten("\ufeff" + POD, "host-network") == "\ufeff" + POD.replace(
        "  hostNetwork: true\n", ""
    )


def test_an_item_of_a_list_is_solved_where_it_stands() -> None:
    items = "\n".join(f"  {line}" for line in POD.splitlines())
    text = f"kind: List\napiVersion: v1\nitems:\n-{items[1:]}\n-{items.replace('web', 'api')[1:]}\n"
    assert rewritten(text, "host-network").count("hostNetwork") == 0


SHARED = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: one, image: 'r.example/a:v1', securityContext: &both {privileged: true}}
  - {name: two, image: 'r.example/a:v1', securityContext: *both}
"""


def test_what_an_anchor_shares_is_left_to_people() -> None:
    assert rewritten(SHARED, "privileged") == SHARED


def value_after(text: str, rule: str, *path: Any) -> Any:
    [tree] = yaml.safe_load_all(rewritten(text, rule))
    for step in path:
        tree = tree[step]
    return tree


def test_what_stands_in_a_list_beside_the_fault_stays() -> None:
    text = POD.replace("  # It needs", "  dnsConfig: {nameservers: [1.1.1.1]}\n  # It needs")
    expected = {"nameservers": ["1.1.1.1"], "options": [{"name": "ndots", "value": "2"}]}
    assert value_after(text, "dns-ndots", "spec", "dnsConfig") == expected


def test_a_capability_that_is_allowed_stays() -> None:
    text = f"{POD}    securityContext: {{capabilities: {{add: [NET_BIND_SERVICE, SYS_TIME]}}}}\n"
    container = ("spec", "containers", 0, "securityContext", "capabilities", "add")
    assert value_after(text, "added-capabilities", *container) == ["NET_BIND_SERVICE"]


def test_a_budget_of_a_quorum_stays_one() -> None:
    text = (
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: db}\n"
        "spec: {minAvailable: 67%, selector: {matchLabels: {app: db}}}\n---\n"
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec:\n"
        "  {replicas: 3, serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: "
        "{labels: {app: db}}, spec: {containers: [{name: db, image: 'r.example/db:v1'}]}}}\n"
    )
    assert "{minAvailable: 2, selector" in rewritten(text, "pdb-blocks-drain")
