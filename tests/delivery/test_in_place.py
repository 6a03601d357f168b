"""Named entries keep the order of what runs."""

from typing import Any

from kiban.delivery.in_place import in_live_order
from kiban.kube.objects import Manifest


def deployment(env: list[dict[str, Any]], **pod: Any) -> Manifest:
    containers = [{"name": "app", "env": env}, *pod.pop("more", [])]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "stamp"},
        "spec": {"template": {"spec": {"containers": containers, **pod}}},
    }


def variables(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "value": name.lower()} for name in names]


def order(manifest: Manifest) -> list[str]:
    containers = manifest["spec"]["template"]["spec"]["containers"]
    main = next(one for one in containers if one["name"] == "app")
    return [one["name"] for one in main["env"]]


def test_variables_stand_where_they_stood_and_new_ones_last() -> None:
    live = deployment(variables("B", "A", "C"), more=[{"name": "proxy"}])
    wanted = deployment(variables("A", "B", "NEW", "C"))
    wanted["spec"]["template"]["spec"]["containers"].insert(0, {"name": "proxy"})
    found = in_live_order(wanted, live)
    assert order(found) == ["B", "A", "C", "NEW"]
    names = [one["name"] for one in found["spec"]["template"]["spec"]["containers"]]
    assert names == ["app", "proxy"]


def test_what_is_gone_stays_gone_and_values_are_the_wanted_ones() -> None:
    live, wanted = deployment(variables("B", "A")), deployment(variables("A"))
    wanted["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "new"
    found = in_live_order(wanted, live)
    assert found["spec"]["template"]["spec"]["containers"][0]["env"] == [
        {"name": "A", "value": "new"}
    ]


def test_order_that_means_something_is_kept() -> None:
    live = deployment(variables("B", "A"), initContainers=[{"name": "y"}, {"name": "x"}])
    wanted = deployment(
        [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}],
        initContainers=[{"name": "x"}, {"name": "y"}],
    )
    found = in_live_order(wanted, live)
    assert order(found) == ["A", "B"]
    assert [one["name"] for one in found["spec"]["template"]["spec"]["initContainers"]] == [
        "x",
        "y",
    ]
