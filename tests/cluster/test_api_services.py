"""What the API serves, as the APIServices that an aggregator would keep."""

from tests.cluster.api.conftest import NOW, Client
from tests.cluster.test_definitions import definition

from kiban.primitives.instants import later

SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def step(api: Client) -> None:
    for second in range(5):
        api.cluster.step(later(NOW, second))


def test_every_served_version_is_listed_as_local(api: Client) -> None:
    step(api)
    found = {item["metadata"]["name"]: item for item in api.json("GET", SERVICES)["items"]}
    assert {"v1.", "v1.apps", "v1.batch", "v2.autoscaling"} <= set(found)
    apps = found["v1.apps"]
    assert apps["metadata"]["labels"]["kube-aggregator.kubernetes.io/automanaged"] == "onstart"
    assert apps["spec"]["group"] == "apps"
    assert apps["status"]["conditions"][0]["type"] == "Available"


def test_a_definition_brings_its_own_and_takes_it_away(api: Client) -> None:
    assert api("POST", DEFINITIONS, definition("things", "Thing")).status == 201
    step(api)
    assert api("GET", f"{SERVICES}/v1.example.com").status == 200
    assert api("DELETE", f"{DEFINITIONS}/things.example.com").status == 200
    step(api)
    assert api("GET", f"{SERVICES}/v1.example.com").status == 404
