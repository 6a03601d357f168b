"""What is said about kinds and fields."""

import pytest

from kiban.kube.kinds import standard_kinds
from kiban.kube.schema.prose import text_of_field, text_of_kind


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("replicas", "How many pods there are to be, or are."),
        ("hostIPC", "Host IPC."),
        ("podIPs", "Pod IPs."),
        ("nfs", "Nfs."),
    ],
)
def test_every_field_is_told_and_an_unknown_name_is_spelled_out(name: str, text: str) -> None:
    assert text_of_field(name) == text


def test_every_kind_is_told() -> None:
    assert all(text_of_kind(info.kind).endswith(".") for info in standard_kinds())
