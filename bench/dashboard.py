"""The dashboard with 1,000 services in three environments and 10,000 pods, in a real browser.

    python -m bench.dashboard [--services 1000] [--pods 10]

Measured: the time from an empty browser to the first row of the list, what was sent for it, the
time from a key in the filter to the filtered list, the time from a change on the server to the
screen, and the processor time of the server for an open page while ten pods change every second.
The baseline is the plain page: the same list once as JSON, and again whole after every change.
"""

import argparse
import asyncio
import json
import shutil
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from playwright.sync_api import Page, sync_playwright

from kiban.delivery.messages import Commit
from kiban.delivery.status import DeliveryStatus, ServiceStatus
from kiban.primitives.instants import Instant
from kiban.web.board import Board
from kiban.web.outline import EnvironmentOutline, Outline, ServiceOutline
from kiban.web.pictures.platform import PlatformPictures, service_row
from kiban.web.serving.application import Dashboard, Parts
from kiban.web.serving.streaming import Bell

ENVIRONMENTS = ("dev", "stg", "prod")
TOKEN = "bench"
CHANGES = 40
CHANGES_PER_SECOND = 10


def board_of(services: int, pods: int) -> Board:
    """A platform that runs well, with all pods in prod."""
    names = [f"service-{number:04}" for number in range(services)]
    environments = {name: EnvironmentOutline(name, f"big-{name}") for name in ENVIRONMENTS}
    outlines = {
        name: ServiceOutline(
            name, "web", f"team-{at % 20}", "", tuple(names[at + 1 : at + 4]),
            dict.fromkeys(ENVIRONMENTS, f"3f2c1a9-{at}"), ENVIRONMENTS,
        )
        for at, name in enumerate(names)
    }  # fmt: skip
    board = Board(Outline("big", "c0ffee", environments, outlines))
    commit = Commit("c0ffee", "Ai <ai@example.com>", "Sell more", Instant(0))
    for environment in ENVIRONMENTS:
        states = tuple(ServiceStatus(name, 0, "Healthy", "", "", ()) for name in names)
        board.set_status(
            DeliveryStatus(
                f"big/{environment}@eks", "synced", commit, commit.id, commit, "", "",
                Instant(0), states, (), {},
            )
        )  # fmt: skip
    for name in names:
        for number in range(pods):
            board.see(pod_of(name, number))
    return board


def pod_of(service: str, number: int, ready: bool = True) -> dict[str, Any]:
    metadata = {
        "name": f"{service}-{number}", "namespace": "big-prod", "uid": f"{service}{number}",
        "labels": {"kiban.dev/service": service}, "creationTimestamp": "2026-11-21T10:00:00Z",
    }  # fmt: skip
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {"nodeName": f"node-{number}", "containers": [{"name": "app", "image": "a:b"}]},
        "status": {"phase": "Running", "conditions": conditions},
    }  # fmt: skip


class Nothing:
    """Behind these pages there is nothing else to ask."""

    async def record(self, _: object) -> dict[str, Any]:
        return {"acts": [], "more": False, "next": None, "figures": []}

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the bench asks for {name}")


@dataclass
class Served:
    """A dashboard in a thread with a loop of its own; `spent` is that thread's processor time."""

    board: Board
    bell: Bell
    loop: asyncio.AbstractEventLoop
    address: str

    def change(self, service: str, number: int, ready: bool) -> None:
        def act() -> None:
            self.board.see(pod_of(service, number, ready))
            self.bell.ring()

        self.loop.call_soon_threadsafe(act)

    def run(self, work: Coroutine[Any, Any, float]) -> float:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def spent(self) -> float:
        async def ask() -> float:
            return time.thread_time()

        return self.run(ask())


@contextmanager
def served(board: Board) -> Iterator[Served]:
    loop, bell = asyncio.new_event_loop(), Bell()
    backstage: Any = Nothing()
    parts = Parts(board, bell, backstage, {}, lambda *_: None, TOKEN)
    runner = web.AppRunner(Dashboard(parts).application(), shutdown_timeout=0.1)

    async def start() -> str:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/"

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        address = asyncio.run_coroutine_threadsafe(start(), loop).result()
        yield Served(board, bell, loop, address)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def measure(page: Page, found: Served) -> dict[str, float]:
    page.goto(f"{found.address}#token={TOKEN}")
    page.wait_for_selector("[data-service]")
    # Again with a session, as everybody but the first time.
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(found.address)
    page.wait_for_selector("[data-service]")
    figures = {"first_row_ms": (time.perf_counter() - began) * 1000}
    names = page.evaluate("performance.getEntriesByType('resource').map(each => each.name)")
    figures["first_page_kb"] = found.run(_sent(found.address, names)) / 1024
    figures["filter_ms"] = page.evaluate(FILTER)
    page.locator("input[type=search]").fill("")
    page.wait_for_selector("[data-service=service-0000]")
    figures["change_to_screen_ms"] = _change_to_screen(page, found)
    figures["server_ms_per_change"] = _server_time(found)
    return figures


FILTER = """async () => {
  const input = document.querySelector("input[type=search]");
  const began = performance.now();
  input.value = "0777";
  input.dispatchEvent(new Event("input"));
  while (document.querySelectorAll("[data-service]").length !== 1)
    await new Promise((next) => requestAnimationFrame(next));
  return performance.now() - began;
}"""


async def _sent(address: str, names: list[str]) -> int:
    """The bytes of the answers that the first page needs, as they are on the wire: its files, and
    of the stream what draws the list."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, auto_decompress=False) as client:
        await client.post(f"{address}api/login", json={"token": TOKEN})
        total = 0
        for name in (address, *names):
            async with client.get(name, headers={"Accept-Encoding": "gzip"}) as answer:
                if "/api/stream/" in name:
                    total += len(await answer.content.readany())
                else:
                    total += len(await answer.read())
    return total


def _change_to_screen(page: Page, found: Served) -> float:
    """The median over some changes, each seen as another number of ready pods."""
    times = []
    for _ in range(7):
        for ready in (False, True):
            wanted = "9/10" if not ready else "10/10"
            began = time.perf_counter()
            found.change("service-0000", 0, ready)
            page.wait_for_function(
                "text => document.querySelector('[data-service=service-0000] "
                "td[data-environment=prod]').textContent.includes(text)",
                arg=wanted,
            )
            times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2] * 1000


def _server_time(found: Served) -> float:
    before = found.spent()
    for number in range(CHANGES):
        found.change(f"service-{number % 50:04}", 1, number % 2 == 0)
        time.sleep(1 / CHANGES_PER_SECOND)
    return (found.spent() - before) / CHANGES * 1000


def baseline(board: Board) -> dict[str, float]:
    """The list whole, as JSON: what a page without paging and differences would send."""
    began = time.thread_time()
    rows = [service_row(board, service) for service in board.outline.services.values()]
    text = orjson.dumps(rows)
    return {"kb": len(text) / 1024, "ms": (time.thread_time() - began) * 1000}


def main() -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=10)
    wish, _ = parser.parse_known_args()
    board = board_of(wish.services, wish.pods)
    PlatformPictures().picture(board, {})
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with served(board) as found, sync_playwright() as player:
        browser = player.chromium.launch(executable_path=program, args=["--no-sandbox"])
        figures = measure(browser.new_page(), found)
        browser.close()
    plain = baseline(board)
    result = {
        "services": wish.services,
        "pods": wish.services * wish.pods,
        **{name: round(value, 2) for name, value in figures.items()},
        "plain_list_kb": round(plain["kb"], 1),
        "plain_list_ms": round(plain["ms"], 2),
        "sent_to_plain": round(figures["first_page_kb"] / plain["kb"], 4),
        "server_to_plain": round(figures["server_ms_per_change"] / plain["ms"], 4),
    }
    print(json.dumps(result, indent=2))
    return result


if __name__ == "__main__":
    main()
