"""Time zones by the names of the IANA database."""

from typing import Annotated

from pydantic import AfterValidator

from kiban.kube.schedule_times import ScheduleError, parse_zone


def _timezone(text: str) -> str:
    try:
        parse_zone(text)
    except ScheduleError as error:
        raise ValueError(f"{error}; write it like Asia/Tokyo") from error
    return text


Timezone = Annotated[str, AfterValidator(_timezone)]
