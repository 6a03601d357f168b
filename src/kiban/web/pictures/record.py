"""The record: every act that is in the journal, and the figures of delivery."""

from collections.abc import Iterable, Mapping
from typing import Any

from kiban.telemetry import Act, DeliveryFigures

PAGE = 100


def record_page(found: Iterable[Act], query: Mapping[str, str]) -> dict[str, Any]:
    """One page of acts, the newest first. `q` filters by words, `before` by sequence."""
    wanted = query.get("q", "").casefold().split()
    before = int(query["before"]) if query.get("before", "").isdigit() else None
    matching = [
        act
        for act in found
        if (before is None or act.sequence < before) and all(word in _text(act) for word in wanted)
    ]
    page = matching[: -PAGE - 1 : -1]
    return {
        "acts": [act.as_data() for act in page],
        "more": len(matching) > len(page),
        "next": page[-1].sequence if page else None,
    }


def figures_facts(found: Iterable[DeliveryFigures]) -> list[dict[str, Any]]:
    return [each.as_data() for each in found]


def _text(act: Act) -> str:
    words = (act.who, act.what, act.subject, act.result, act.why, act.commit, act.plan)
    return " ".join(words).casefold()
