"""Envoy's admin interface over its socket: what it accepted, what it refused, what it counted."""

import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

REQUEST_TIMEOUT_SECONDS = 5.0
# More names than this do not fit a URL; then everything is asked for.
MAX_NAMES_ASKED = 100


class Admin:
    """One client of one Envoy. Every method raises `aiohttp.ClientError` or `TimeoutError` while
    Envoy does not answer."""

    def __init__(self, socket: Path) -> None:
        self._session = aiohttp.ClientSession(
            base_url="http://envoy",
            connector=aiohttp.UnixConnector(str(socket)),
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._session.close()

    async def is_ready(self) -> bool:
        async with self._session.get("/ready") as answer:
            return answer.status == 200

    async def stats(self, pattern: str, **options: str) -> list[dict[str, Any]]:
        """Counters, gauges, texts and histograms whose name matches a regular expression."""
        query = {"format": "json", "filter": pattern, **options}
        async with self._session.get("/stats", params=query) as answer:
            answer.raise_for_status()
            found: list[dict[str, Any]] = orjson.loads(await answer.read())["stats"]
            return found

    async def versions(self, names: Iterable[str]) -> tuple[dict[str, str], dict[str, int]]:
        """The accepted version, and how many were refused, of each discovery file by its name in
        the statistics. No names ask for all of them."""
        listed = list(names)
        few = 0 < len(listed) <= MAX_NAMES_ASKED
        which = "|".join(map(re.escape, listed)) if few else ".*"
        accepted: dict[str, str] = {}
        refused: dict[str, int] = {}
        for stat in await self.stats(rf"^({which})\.(version_text|update_rejected)$"):
            name, _, what = stat["name"].rpartition(".")
            if what == "version_text":
                accepted[name] = stat["value"]
            else:
                refused[name] = stat["value"]
        return accepted, refused

    async def refusals(self) -> dict[str, str]:
        """Envoy's reasons for the listeners it refused last, by name."""
        query = {"resource": "dynamic_listeners", "mask": "name,error_state"}
        async with self._session.get("/config_dump", params=query) as answer:
            answer.raise_for_status()
            entries = orjson.loads(await answer.read()).get("configs", [])
        errors = [entry["error_state"] for entry in entries if "error_state" in entry]
        return {error["failed_configuration"]["name"]: error["details"] for error in errors}

    async def drain(self) -> None:
        """Close the listeners, letting what is under way finish."""
        async with self._session.post("/drain_listeners", params={"graceful": ""}) as answer:
            answer.raise_for_status()

    async def quit(self) -> None:
        async with self._session.post("/quitquitquit") as answer:
            answer.raise_for_status()
