"""Collections, whole and page by page."""

from typing import Any

MAPS = "/api/v1/namespaces/default/configmaps"


def test_a_list_from_the_cache_is_never_divided(api: Any) -> None:
    for name in ("a", "b", "c"):
        api("POST", MAPS, {"metadata": {"name": name}})
    cached = api.json("GET", f"{MAPS}?limit=2&resourceVersion=0")
    assert len(cached["items"]) == 3
    assert "continue" not in cached["metadata"]
    assert len(api.json("GET", f"{MAPS}?limit=2")["items"]) == 2
