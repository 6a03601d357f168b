"""A pod's address in its old field and its addresses in the new one."""

from typing import Any

PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"


def test_a_pod_tells_its_address_twice(api: Any) -> None:
    containers = [{"name": "c", "image": "i"}]
    assert api("POST", PODS, {"metadata": {"name": "p"}, "spec": {"containers": containers}})
    for sent, told in (
        ({"podIP": "10.0.0.1"}, "10.0.0.1"),
        ({"podIP": "10.0.0.2"}, "10.0.0.2"),
        ({"podIPs": [{"ip": "10.0.0.3"}]}, "10.0.0.2"),
        ({"podIP": None, "podIPs": [{"ip": "10.0.0.3"}]}, "10.0.0.3"),
    ):
        status = api.json("PATCH", f"{PODS}/p/status", {"status": sent}, content_type=MERGE)
        assert (status["status"]["podIP"], status["status"]["podIPs"]) == (told, [{"ip": told}])
