"""What notifications can get wrong in platform.yaml."""

from collections.abc import Iterator
from string import Template

from kiban.primitives.problems import Problem
from kiban.spec.notifications import TEMPLATE_WORDS, Notification
from kiban.spec.nouns import PlatformSpec
from kiban.spec.platform import Sources
from kiban.spec.references import unless_known


def check_notifications(spec: PlatformSpec, sources: Sources) -> Iterator[Problem]:
    """Every notification: one way to tell it, names that are there, a template that can be
    filled."""
    tree = sources.platform
    for name, found in spec.notifications.items():
        at = tree.nearest(("notifications", name))
        for fault in _faults(found):
            yield Problem("spec/notification", f"{name} {fault}", at.key_place())
        for kind, chosen, known in (
            ("environment", found.environments, spec.environments),
            ("service", found.services, sources.services),
            ("team", found.teams, spec.teams),
        ):
            for index, each in enumerate(chosen):
                place = at.nearest((f"{kind}s", index)).place()
                yield from unless_known(kind, each, known, place)


def _faults(found: Notification) -> Iterator[str]:
    ways = [way for way in ("webhook", "slack", "email") if getattr(found, way) is not None]
    if len(ways) != 1:
        yield f"needs one of webhook, slack and email, and has {' and '.join(ways) or 'none'}"
    if found.webhook is not None and not found.webhook.startswith(("https://", "http://")):
        yield "has a webhook that is no URL"
    if found.email is not None and not found.email.server.rpartition(":")[2].isdigit():
        yield "has a mail server without a port; write it like smtp.example.com:587"
    if found.webhook is None and (found.token or found.secret):
        yield "has a token or secret, which only a webhook has"
    if found.template is not None:
        template = Template(found.template)
        if not template.is_valid():
            yield "has a template with a $ that names nothing; write $$ for a plain one"
        for word in template.get_identifiers() if template.is_valid() else ():
            if word not in TEMPLATE_WORDS:
                known = ", ".join(f"${each}" for each in TEMPLATE_WORDS)
                yield f"has a template with ${word}; there are {known}"
