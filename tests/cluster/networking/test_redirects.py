"""Redirects of load balancers and of the Gateway API, as the embedded gateway reads them."""

from typing import Any

import pytest

from kiban.cluster.networking import envoy
from kiban.cluster.networking.redirects import Redirect, of_action, of_filters

PORT = 8080


def action(**config: str) -> dict[str, Any]:
    return {"type": "redirect", "redirectConfig": config}


def told(redirect: Redirect | None) -> dict[str, Any]:
    assert redirect is not None
    found: dict[str, Any] = envoy.redirect(redirect, PORT)["redirect"]
    return found


def test_what_stays_is_not_said() -> None:
    found = of_action(
        action(
            host="#{host}", port="#{port}", protocol="#{protocol}", query="#{query}",
            path="/new", statusCode="HTTP_301",
        )
    )  # fmt: skip
    assert found == Redirect(301, path="/new")
    assert told(found) == {"response_code": "MOVED_PERMANENTLY", "path_redirect": "/new"}


def test_another_host_is_at_the_port_of_the_gateway() -> None:
    found = told(of_action(action(host="www.shop.localhost", statusCode="HTTP_302")))
    wanted = {"response_code": "FOUND", "host_redirect": "www.shop.localhost"}
    assert found == wanted | {"port_redirect": PORT}


def test_a_path_that_was_asked_for_can_be_part_of_the_new_one() -> None:
    found = told(of_action(action(path="/v2/#{path}", statusCode="HTTP_302")))
    assert found["regex_rewrite"]["substitution"] == r"/v2/\1"


def test_another_query_replaces_what_was_asked_for_or_removes_it() -> None:
    other = told(of_action(action(path="/x", query="from=old", statusCode="HTTP_302")))
    assert other["path_redirect"] == "/x?from=old"
    none = told(of_action(action(path="/x", query="", statusCode="HTTP_302")))
    assert none["strip_query"] is True


@pytest.mark.parametrize(
    "wrong", [{}, {"type": "redirect"}, action(), action(statusCode="HTTP_no"), {"type": "forward"}]
)
def test_an_action_that_is_none_redirects_nobody(wrong: dict[str, Any]) -> None:
    assert of_action(wrong) is None


def test_the_gateway_api_replaces_a_path_or_what_was_matched_of_it() -> None:
    whole = {"hostname": "a.b", "statusCode": 301,
             "path": {"type": "ReplaceFullPath", "replaceFullPath": "/new"}}  # fmt: skip
    assert of_filters([{"type": "RequestRedirect", "requestRedirect": whole}]) == Redirect(
        301, host="a.b", path="/new"
    )
    part = {"scheme": "https", "path": {"replacePrefixMatch": "/v2"}}
    found = told(of_filters([{"type": "RequestRedirect", "requestRedirect": part}]))
    assert found == {"response_code": "FOUND", "scheme_redirect": "https", "prefix_rewrite": "/v2"}
    assert of_filters([{"type": "RequestMirror"}]) is None
