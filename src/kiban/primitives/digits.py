"""Reading whole numbers out of texts that anybody may have written: annotations, versions, queries.

`str.isdigit` is true of `²`, and `int` takes `1_000`, `٣` and, up to a length where it raises
after all, any number of digits.
"""

import re

# 64 bits, as everywhere in Kubernetes.
_LONGEST = 19
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


def whole_number(text: str) -> int | None:
    """The number that ASCII digits and nothing else write; None for anything else."""
    if not _DIGITS.fullmatch(text):
        return None
    significant = text.lstrip("0") or "0"
    return int(significant) if len(significant) <= _LONGEST else None


def signed_number(text: str) -> int | None:
    """As `whole_number`, with a sign or none before it."""
    number = whole_number(text[1:] if text[:1] in ("-", "+") else text)
    return -number if number is not None and text.startswith("-") else number
