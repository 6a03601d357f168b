"""Where the objects of a copy live."""

import pytest
from generated_copies import copy_of

from kiban.kube.objects import Manifest


def thing(name: str, namespace: str = "", kind: str = "ConfigMap") -> Manifest:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


@pytest.mark.parametrize(
    ("spaces", "expected"),
    [
        (["shop", "shop", "kube-system"], "shop"),
        (["shop", "shop", ""], "shop"),
        (["kube-system", "", ""], ""),
        (["", ""], ""),
        (["9lives", "9lives", "shop"], "shop"),
    ],
)
def test_a_copy_lives_where_most_of_it_does(spaces: list[str], expected: str) -> None:
    objects = [thing(f"c{place}", space) for place, space in enumerate(spaces)]
    assert copy_of("dev", objects).namespace == expected


def test_a_namespace_among_objects_that_name_none_is_theirs() -> None:
    objects = [thing("shop", kind="Namespace"), thing("a"), thing("b"), thing("c", "kube-system")]
    assert copy_of("dev", objects).namespace == "shop"
