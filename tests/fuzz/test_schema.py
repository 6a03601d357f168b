"""Requests that schemathesis derives from our own OpenAPI, sent to a server over HTTP: none is
answered by an error of ours, or not at all."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

schemathesis = pytest.importorskip("schemathesis")

import requests  # noqa: E402
from tests.clients.threaded import TOKEN, Threaded  # noqa: E402
from tests.fuzz.asking import KUBERNETES_OWN  # noqa: E402

GROUPS = ("api/v1", "apis/apps/v1", "apis/batch/v1", "apis/autoscaling/v2", "apis/policy/v1",
          "apis/networking.k8s.io/v1", "apis/rbac.authorization.k8s.io/v1",
          "apis/apiextensions.k8s.io/v1", "apis/authorization.k8s.io/v1")  # fmt: skip
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
PATIENCE_SECONDS = 10
EXAMPLES = 25


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = Threaded()
    yield server.address
    server.close()


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.filterwarnings("ignore")
def test_what_the_schema_allows_breaks_nothing(address: str, group: str) -> None:
    document = requests.get(f"{address}/openapi/v3/{group}", headers=HEADERS, timeout=10).json()
    schema = schemathesis.openapi.from_dict(document)
    cases = [
        result.ok().as_strategy(generation_mode=mode)
        for result in schema.get_all_operations()
        for mode in schemathesis.GenerationMode
    ]

    @given(st.one_of(cases))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: schemathesis.Case) -> None:
        case.query = {**(case.query or {}), "timeoutSeconds": "1"}
        answer = case.call(base_url=address, headers=HEADERS, timeout=PATIENCE_SECONDS)
        if answer.status_code >= 500:
            said = answer.text
            assert any(words in said for words in KUBERNETES_OWN), (case.as_curl_command(), said)

    ask()
