"""Priority classes that stay, events told through their own group, and networks of nodes."""

from typing import Any

CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
MERGE = "application/merge-patch+json"


def test_the_system_s_priority_classes_are_not_deleted(api: Any) -> None:
    refused = api("DELETE", f"{CLASSES}/system-node-critical")
    assert refused.status == 403
    assert b"this is a system priority class and cannot be deleted" in refused.body


def test_there_is_one_default_priority_class(api: Any) -> None:
    first = {"metadata": {"name": "first"}, "value": 1, "globalDefault": True}
    assert api("POST", CLASSES, first).status == 201
    refused = api.json("POST", CLASSES, {**first, "metadata": {"name": "second"}})
    assert refused["message"] == (
        'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass first is already '
        "marked as default. Only one default can exist"
    )
    path = f"{CLASSES}/first"
    assert api("PATCH", path, {"description": "d"}, content_type=MERGE).status == 200


def test_events_of_their_own_group_are_held_to_more(api: Any) -> None:
    about = {"kind": "Pod", "name": "p", "namespace": "default"}
    old = {"metadata": {"name": "e"}, "regarding": about, "deprecatedCount": 1, "type": "Odd"}
    assert [
        (cause["field"], cause["message"])
        for cause in api.json("POST", EVENTS, old)["details"]["causes"]
    ] == [
        ("eventTime", "Required value"),
        ("type", 'Invalid value: "": has invalid value: Odd'),
        ("count", 'Invalid value: "": needs to be unset'),
    ]
    new = {
        "metadata": {"name": "e"}, "regarding": about, "type": "Normal", "action": "a",
        "eventTime": "2026-01-01T00:00:00.000000Z", "reason": "r", "note": "n",
        "reportingController": "c", "reportingInstance": "i",
    }  # fmt: skip
    assert api("POST", EVENTS, new).status == 201
    said = api.json("PATCH", f"{EVENTS}/e", {"note": "m"}, content_type=MERGE)["message"]
    assert said == 'Event "e" is invalid: message: Invalid value: "m": field is immutable'
    series: dict[str, Any] = {"count": 1}
    said = api.json("PATCH", f"{EVENTS}/e", {"series": series}, content_type=MERGE)["message"]
    assert "series.lastObservedTime: Required value" in said
    series = {"count": 2, "lastObservedTime": "2026-01-01T00:01:00.000000Z"}
    assert api("PATCH", f"{EVENTS}/e", {"series": series}, content_type=MERGE).status == 200


def test_a_node_tells_its_network_twice(api: Any) -> None:
    for name, spec in (("a", {"podCIDR": "10.0.0.0/24"}), ("b", {"podCIDRs": ["10.0.0.0/24"]})):
        made = api.json("POST", "/api/v1/nodes", {"metadata": {"name": name}, "spec": spec})["spec"]
        assert (made["podCIDR"], made["podCIDRs"]) == ("10.0.0.0/24", ["10.0.0.0/24"])
