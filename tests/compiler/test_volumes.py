"""Keys of files."""

import re

from hypothesis import given
from hypothesis import strategies as st

from kiban.compiler.volumes import file_key

paths = st.from_regex(r"/[a-c_@./]{1,6}", fullmatch=True)


def test_a_plain_path_stays_readable() -> None:
    assert file_key("/etc/stamp/rules.txt") == "etc_stamp_rules.txt"


@given(paths, paths)
def test_two_paths_have_two_keys_that_a_config_map_allows(one: str, other: str) -> None:
    assert (file_key(one) == file_key(other)) == (one == other)
    assert re.fullmatch(r"[-._a-zA-Z0-9]+", file_key(one))
