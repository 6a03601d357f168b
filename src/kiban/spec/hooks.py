"""The words for programs that run once for each release of a service."""

from typing import Literal

from pydantic import Field

from kiban.spec.words import Image, Span, Text, Variable, Words


class HookSpec(Words):
    """A program that runs once for each release: a migration, a smoke test, a call for help. It
    has the service's image, variables, files and resources unless it says otherwise."""

    when: Literal["before", "after", "failure"] = Field(
        default="before",
        description="Before the service changes, after it is well, or when that failed.",
    )
    image: Image | None = Field(default=None, description="The service's own image by default.")
    command: list[Text] = Field(min_length=1, description="The program.")
    args: list[Text] = Field(default_factory=list, description="Its arguments.")
    env: dict[Variable, Text] = Field(
        default_factory=dict, description="Variables beside the service's."
    )
    deadline: Span = Field(default=600.0, description="A run that takes longer has failed.")
    retries: int = Field(
        default=0,
        ge=0,
        description="How often a failed run is tried again. Not at all by default: a migration "
        "that failed half-way is for a person to look at.",
    )
    delete: Literal["superseded", "success", "always", "never"] = Field(
        default="superseded",
        description="When its Job goes: with the next release, when it succeeded, when it is "
        "over, never.",
    )
