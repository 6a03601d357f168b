"""Recordings for rehearsals: a CSV file, a saved answer of Prometheus, or a range query that is
asked now."""

import http.client
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.rehearsal.assumptions import Measurements
from kiban.rehearsal.calibration import Evidence, calibrate
from kiban.rehearsal.recordings import Recording, read_csv, read_prometheus
from kiban.rehearsal.running import Arrivals, Prepared

SECONDS = 30.0
# A month by the minute of a hundred services.
MOST_BYTES = 256 * 2**20
URL_SAFE = "%/:=&?~#+!$,;'@()*[]"


def replays(ready: Prepared, directory: Path) -> dict[str, Arrivals]:
    """The arrivals that a scenario replays, by service. Raises `KibanError` for what is not
    there, or holds nothing of a service."""
    found = {}
    known_services = ready.assumptions.models.services
    for service, place in sorted(ready.scenario.traffic.replay.items()):
        if service not in known_services:
            what = f"there is no service {service} to replay {place} to."
            fix = f"use one of: {', '.join(known_services)}"
            raise KibanError(Problem("rehearsal/recording", what, Place("rehearsal.yaml"), fix=fix))
        recordings = _read(place, directory, service)
        recording = recordings.get(service)
        if recording is None or "requests" not in recording.figures:
            known = ", ".join(sorted(recordings)) or "nothing"
            what = f"{place} holds no requests of {service}, but of {known}."
            raise KibanError(Problem("rehearsal/recording", what, Place(file=place)))
        found[service] = recording.arrivals()
    return found


def measured(ready: Prepared, place: str, directory: Path) -> Measurements:
    """The parameters that a recording of real services tells."""
    recordings = _read(place, directory, "")
    return calibrate(ready.assumptions, Evidence(recordings, place, {})).measured


def _read(place: str, directory: Path, service: str) -> Mapping[str, Recording]:
    text = _text(place, directory)
    if text.lstrip().startswith("{"):
        found = read_prometheus(text, place)
        # A query for one service needs no label.
        return {service: next(iter(found.values()))} if service and len(found) == 1 else found
    return read_csv(text, place, service)


def _text(place: str, directory: Path) -> str:
    try:
        if place.startswith(("http://", "https://")):
            # A query as people write it has blanks in it.
            asked = urllib.parse.quote(place, safe=URL_SAFE)
            with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
                data: bytes = answer.read(MOST_BYTES)
                return data.decode()
        return (directory / place).read_text()
    except (OSError, ValueError, http.client.HTTPException) as error:
        said = (isinstance(error, OSError) and error.strerror) or str(error)
        what = f"The recording cannot be read: {said}."
        problem = Problem("rehearsal/recording", what, Place(file=place))
        raise KibanError(problem, Exit.WORLD_FAILED) from error
