"""Takes the pictures of docs/reference/dashboard.md: the example under some load, in Chromium.

python scripts/draw_dashboard.py
"""

import http.client
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
KIBAN = (sys.executable, "-m", "kiban")
SHOTS = {
    "platform": ("platform", "light"),
    "service": ("service?name=stamp&env=dev", "light"),
    "nodes": ("nodes", "dark"),
}
LOAD_SECONDS = 0.02


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        repo = Path(directory) / "arcade"
        shutil.copytree(ROOT / "examples" / "arcade", repo, ignore=shutil.ignore_patterns(".kiban"))
        run(repo, "up", "--detach", "--until", "ready")
        try:
            draw(repo, run(repo, "dashboard").strip())
        finally:
            run(repo, "down")


def run(repo: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*KIBAN, *arguments], cwd=repo, check=True, text=True, stdout=subprocess.PIPE
    )
    return done.stdout


def draw(repo: Path, link: str) -> None:
    over = threading.Event()
    host = "arcade.localhost:8080"
    visitor = threading.Thread(target=visit, args=(host, over), daemon=True)
    visitor.start()
    try:
        with sync_playwright() as player:
            program = shutil.which("chromium") or shutil.which("google-chrome")
            browser = player.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(link)
            page.wait_for_selector("[data-service]")
            time.sleep(30)
            for name, (where, scheme) in SHOTS.items():
                shoot(page, link.partition("#")[0] + "#/" + where, scheme, name)
            browser.close()
    finally:
        over.set()
        visitor.join()


def shoot(page: Page, address: str, scheme: str, name: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(address)
    page.wait_for_timeout(20_000 if name == "service" else 6_000)
    page.screenshot(path=IMAGES / f"dashboard-{name}.png")


def visit(host: str, over: threading.Event) -> None:
    """A visitor who never tires."""
    while not over.wait(LOAD_SECONDS):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=5)
            connection.request("GET", "/stamp", headers={"Host": host})
            connection.getresponse().read()
            connection.close()
        except OSError:
            continue


if __name__ == "__main__":
    main()
