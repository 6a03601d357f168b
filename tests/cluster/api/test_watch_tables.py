"""Tables of a watch: the first event names the columns."""

import orjson
from tests.cluster.api.conftest import Client

CONFIGS = "/api/v1/namespaces/default/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def test_only_the_first_event_of_a_watch_names_the_columns(api: Client) -> None:
    for name in ("a", "b"):
        api("POST", CONFIGS, {"metadata": {"name": name}})
    stream = api("GET", f"{CONFIGS}?watch=true", accept=TABLE).stream
    assert stream is not None
    lines = stream.pull(api.now, api.cluster.store.revision).splitlines()
    first, second = (orjson.loads(line)["object"] for line in lines)
    assert [column["name"] for column in first["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert second["columnDefinitions"] is None
    assert second["rows"][0]["cells"][:2] == ["b", 0]
