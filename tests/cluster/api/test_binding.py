"""Which pods are bound to which targets."""

from typing import Any

PODS = "/api/v1/namespaces/default/pods"


def pod(name: str, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "c", "image": "i"}]
    return {"metadata": {"name": name}, "spec": {"containers": containers, **spec}}


def test_a_pod_that_waits_at_a_gate_is_not_bound(api: Any) -> None:
    gates = [{"name": "x"}]
    assert api("POST", PODS, pod("p", schedulingGates=gates)).status == 201
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    answer = api.json("POST", f"{PODS}/p/binding", binding)
    assert (answer["code"], answer["message"]) == (
        409,
        'Operation cannot be fulfilled on pods/binding "p": pod p has non-empty '
        ".spec.schedulingGates",
    )


def test_a_pod_is_bound_to_a_node_that_is_named(api: Any) -> None:
    assert api("POST", PODS, pod("p")).status == 201
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Pod"}}
    assert api.json("POST", f"{PODS}/p/binding", binding)["message"] == (
        '[target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>", '
        "target.name: Required value]"
    )
