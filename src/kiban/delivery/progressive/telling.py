"""How far a service's new pods have come, in words, from the objects alone."""

from collections.abc import Iterable

from kiban.delivery.live import Live
from kiban.delivery.progressive.policy import policy_of
from kiban.delivery.progressive.progress import ABORTED, CANARY_OF, SINCE, STAGE, SUFFIX, WHY
from kiban.kube.objects import DEPLOYMENT, Key, annotations_of
from kiban.primitives.instants import Instant, later, rfc3339


def stage_words(live: Live, keys: Iterable[Key]) -> str:
    """What is going on with the new pods of these objects' Deployment; empty when nothing is."""
    for key in keys:
        if key.group_kind != DEPLOYMENT:
            continue
        canary = live.get(key._replace(name=key.name + SUFFIX))
        there = live.get(key)
        if canary is None or there is None or CANARY_OF not in annotations_of(canary):
            continue
        notes, policy = annotations_of(canary), policy_of(there)
        stage, since = notes.get(STAGE, ""), notes.get(SINCE, "")
        if stage == ABORTED:
            return f"its new release was given up: {notes.get(WHY, '')}"
        if policy is None or not stage.isdigit() or int(stage) >= len(policy.shares):
            return "new pods are taking over"
        words = f"{policy.shares[int(stage)]}% on its new pods"
        if since.isdigit():
            until = rfc3339(later(Instant(int(since)), policy.pause_seconds))
            return f"{words}, until {until} at least"
        return words
    return ""
