"""What holds data is never deleted by a commit."""

from typing import Any

from kiban.compiler.bundle import ENVIRONMENT_LABEL, KEPT_ANNOTATION, PLATFORM_LABEL
from kiban.delivery.marks import Scope

SCOPE = Scope("shop", "prod", "main", "shop-prod")


def database(**annotations: str) -> dict[str, Any]:
    labels = {PLATFORM_LABEL: "shop", ENVIRONMENT_LABEL: "prod"}
    metadata = {"name": "main", "namespace": "shop-prod", "labels": labels}
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": "db.example.com/v1", "kind": "Database", "metadata": metadata}


def test_an_object_that_is_to_be_kept_is_not_pruned() -> None:
    assert SCOPE.may_prune(database())
    assert not SCOPE.may_prune(database(**{KEPT_ANNOTATION: "true"}))
