"""Manifests share what they have in common."""

from kiban.kube.objects import sharing


def test_equal_parts_of_a_new_state_are_the_old_one_s_own() -> None:
    old = {"kind": "Pod", "spec": {"a": {"x": [1]}, "b": {"y": 1}}, "status": {"c": [2]}}
    new = {"kind": "Pod", "spec": {"a": {"x": [1]}, "b": {"y": 2}}, "status": {"c": [2]}}
    shared = sharing(new, old)
    assert shared == new
    assert shared["status"] is old["status"]
    assert shared["spec"]["a"] is old["spec"]["a"]  # type: ignore[index]


def test_an_equal_state_is_the_old_one_itself_and_what_went_stays_away() -> None:
    old = {"kind": "Pod", "spec": {"a": 1}}
    assert sharing({"kind": "Pod", "spec": {"a": 1}}, old) is old
    assert sharing({"kind": "Pod"}, old) == {"kind": "Pod"}
    assert sharing({"kind": "Pod", "spec": {"a": 1, "b": 2}}, old)["spec"] == {"a": 1, "b": 2}
