"""Where a text stops being base64, as Go's decoder counts it: line ends are skipped, padding is
demanded, and an incomplete group is blamed on its beginning.

Source: encoding/base64 (decodeQuantum).
"""

import string

_ALPHABET = frozenset(string.ascii_letters + string.digits + "+/")
_LINE_ENDS = "\r\n"


def first_bad_base64(text: str) -> int | None:
    """The byte at which decoding fails, None for good base64."""
    at, size = 0, len(text)
    group = 0
    while at < size:
        letter = text[at]
        at += 1
        if letter in _LINE_ENDS:
            continue
        if letter in _ALPHABET:
            group = (group + 1) % 4
            continue
        return _padding(text, at, group) if letter == "=" else at - 1
    return size - group if group else None


def _padding(text: str, at: int, group: int) -> int | None:
    """The fault of a padding whose first sign stands just before `at`."""
    if group < 2:
        return at - 1
    if group == 2:
        at = _past_line_ends(text, at)
        if at == len(text):
            return at
        if text[at] != "=":
            return at
        at += 1
    at = _past_line_ends(text, at)
    return at if at < len(text) else None


def _past_line_ends(text: str, at: int) -> int:
    while at < len(text) and text[at] in _LINE_ENDS:
        at += 1
    return at
