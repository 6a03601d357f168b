"""Whether what a service would inherit changes what comes out of it."""

import pytest

from kiban.adopt.placeholders import Words
from kiban.adopt.services import Worked


@pytest.mark.parametrize("field", ["health", "scale", "patches"])
def test_a_map_of_which_nothing_is_left_is_weighed_like_any_other(field: str) -> None:
    worked = Worked({}, {}, {}, Words("stamp", "dev", "shop-dev", "shop"))
    assert worked.harms((field,), {}) in (True, False)
