"""How a platform that runs on many clusters is kept, as people write it."""

from pydantic import Field

from kiban.spec.words import Count, Span, Words


class Ring(Words):
    """Clusters that get a commit together. Rings follow each other in the order of the file: the
    next one gets a commit when this one has run it well."""

    description: str = Field(default="", description="What it is for, in a sentence.")
    at_once: Count = Field(
        default=0, description="How many of its clusters at the same time; all of them with 0."
    )
    soak: Span = Field(
        default=0.0, description="How long all of them must run it well before the next ring."
    )
