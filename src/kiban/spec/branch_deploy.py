"""The file `branches/ENVIRONMENT/BRANCH.yaml`, as `kiban release --branch` writes it."""

from typing import Annotated

from pydantic import AfterValidator, Field

from kiban.primitives.instants import parse_rfc3339
from kiban.spec.words import Name, Text, Words


def _moment(text: str) -> str:
    parse_rfc3339(text)
    return text


Moment = Annotated[Text, AfterValidator(_moment)]


class BranchDeploy(Words):
    """What of a branch runs in an environment, and until when."""

    expires: Moment = Field(description="When Kiban removes it, like 2026-11-28T12:00:00Z.")
    instead: bool = Field(default=False, description="Instead of the services, not beside them.")
    releases: dict[Name, Text] = Field(description="The image tag of each service.")
