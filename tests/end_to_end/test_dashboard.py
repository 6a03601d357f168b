"""The dashboard in a real browser: what happens is seen on the page, without loading it again."""

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.end_to_end.conftest import PATIENCE_SECONDS, Repo, until
from tests.end_to_end.test_kubectl import kubectl

playwright_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
Page = playwright_api.Page
expect = playwright_api.expect

pytestmark = pytest.mark.timeout(240)
PAGES = (
    "platform",
    "service?name=hello&env=dev",
    "map",
    "nodes",
    "rehearsal",
    "record",
    "commands?name=promote",
)
PATIENCE_MS = PATIENCE_SECONDS * 1000


@pytest.fixture(scope="module")
def browser() -> "Iterator[playwright_api.Browser]":
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None and not os.environ.get("CI"):
        pytest.skip("there is no Chromium here")
    with playwright_api.sync_playwright() as player:
        found = player.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: "playwright_api.Browser", platform: Repo) -> "Iterator[Page]":
    """The first page, logged in by the link; nothing may go wrong in it, or be asked elsewhere."""
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    found = context.new_page()
    faults: list[str] = []
    asked: list[str] = []
    found.on("pageerror", lambda error: faults.append(str(error)))
    found.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    found.on("request", lambda request: asked.append(request.url))
    link = platform.kiban("dashboard").strip()
    found.goto(link)
    expect(found.locator("[data-service=hello]")).to_be_visible(timeout=PATIENCE_MS)
    found.evaluate("window.loadedOnce = true")
    yield found
    assert found.evaluate("window.loadedOnce") is True, "the page was loaded again"
    context.close()
    assert faults == []
    origin = link.partition("#")[0]
    assert [url for url in asked if not url.startswith((origin, "data:"))] == []


def released(platform: Repo, words: str) -> tuple[str, str]:
    """Another version of the service, released into dev: its tag and the commit."""
    program = platform.path / "apps/hello/main.py"
    program.write_text(program.read_text() + f"\n# {words}\n")
    platform.git("commit", "-aqm", words)
    [image] = platform.json("build", "hello")
    tag = image["image"].rpartition(":")[2]
    return tag, platform.json("release", f"hello={tag}", "--env", "dev")["commit"]


def test_a_release_is_seen_as_it_happens(page: "Page", platform: Repo) -> None:
    cell = page.locator("[data-service=hello] td[data-environment=dev]")
    expect(cell).to_contain_text("v1")
    tag, commit = released(platform, "Change hello")
    expect(cell).to_contain_text(tag, timeout=PATIENCE_MS)
    card = page.locator("article[data-environment=dev]")
    expect(card).to_contain_text(commit[:8], timeout=PATIENCE_MS)
    expect(page.locator("aside")).to_contain_text(f"{commit[:8]} is delivered", timeout=PATIENCE_MS)
    expect(card).to_contain_text("synced", timeout=PATIENCE_MS)


def test_a_killed_pod_is_seen_to_come_back(page: "Page", platform: Repo) -> None:
    page.goto(page.url.partition("#")[0] + "#/service?name=hello&env=dev")
    tiles = page.locator("[data-pod]")
    expect(tiles.first).to_have_attribute("data-life", "ready", timeout=PATIENCE_MS)
    # The pods of an earlier version may be on their way out: who dies there does not come back.
    expect(page.locator("[data-pod]:not([data-life=ready])")).to_have_count(0, timeout=PATIENCE_MS)
    count, pod = tiles.count(), tiles.first.get_attribute("data-pod")
    [victim] = [
        pid
        for pid in platform.processes()
        if "main.py" in _said(pid, "cmdline") and f"HOSTNAME={pod}" in _said(pid, "environ")
    ]
    os.kill(victim, signal.SIGKILL)
    expect(page.locator("[data-pod]", has_text="restart")).to_have_count(1, timeout=PATIENCE_MS)
    expect(page.locator("[data-pod][data-life=ready]")).to_have_count(count, timeout=PATIENCE_MS)


def _said(pid: int, what: str) -> str:
    try:
        return Path(f"/proc/{pid}/{what}").read_text()
    except OSError:
        return ""


def test_drift_is_seen_to_be_healed(page: "Page", platform: Repo) -> None:
    kubectl(platform, "scale", "deployment/hello", "--replicas=5")
    expect(page.locator("aside")).to_contain_text("drift", timeout=PATIENCE_MS)


def test_logs_follow_and_an_object_is_read(page: "Page", platform: Repo) -> None:
    page.goto(page.url.partition("#")[0] + "#/service?name=hello&env=dev")
    pod = page.locator("[data-pod][data-life=ready]").first.get_attribute("data-pod")
    page.locator("select").first.select_option(pod)
    expect(page.locator(".log")).not_to_have_text("", timeout=PATIENCE_MS)
    page.get_by_role("button", name="The whole tree").click()
    page.get_by_role("button", name="Deployment.apps/shop-dev/hello", exact=True).click()
    viewer = page.get_by_role("dialog", name="Deployment.apps/shop-dev/hello")
    expect(viewer).to_contain_text("kind: Deployment")
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)


def test_a_release_is_promoted_from_its_cell_after_a_look_at_the_gates(
    page: "Page", platform: Repo
) -> None:
    tag, _ = released(platform, "Promote hello")
    cell = page.locator("[data-service=hello] td[data-environment=dev]")
    expect(cell).to_contain_text(tag, timeout=PATIENCE_MS)
    expect(page.locator("article[data-environment=dev]")).to_contain_text(
        "synced", timeout=PATIENCE_MS
    )
    cell.hover()
    cell.get_by_role("button", name="Promote → stg").click()
    dialog = page.locator("dialog")
    expect(dialog).to_contain_text("kiban promote dev stg hello")
    expect(dialog.locator("pre.output").first).to_contain_text("hello", timeout=PATIENCE_MS)
    before = platform.git("rev-parse", "HEAD")
    dialog.get_by_role("button", name="Do it").click()
    expect(dialog.get_by_role("button", name="Close")).to_be_visible(timeout=PATIENCE_MS)
    assert until(lambda: platform.git("rev-parse", "HEAD") != before)
    assert platform.releases("stg") == {"hello": tag}


def test_a_failing_gate_and_the_way_back_are_seen(page: "Page", platform: Repo) -> None:
    file = platform.path / "platform.yaml"
    gate = "gates: {errors: {indicator: errors, atMost: 5%, samples: 20, window: 2s}}"
    before = file.read_text()
    file.write_text(before.replace("    cluster: dev\n", f"    cluster: dev\n    {gate}\n", 1))
    program = platform.path / "apps/hello/main.py"
    good = program.read_text()
    program.write_text(
        good.replace("send_response(200)", "send_response(200 if self.path == '/healthz' else 500)")
    )
    cell = page.locator("[data-service=hello] td[data-environment=dev]")
    well = cell.locator(".tag").text_content()
    tag, _ = released(platform, "Break hello")
    aside = page.locator("aside")
    with visitors(platform):
        expect(cell).to_contain_text(tag, timeout=PATIENCE_MS)
        expect(aside).to_contain_text("▲ fail", timeout=PATIENCE_MS)
        expect(cell).to_contain_text(well, timeout=PATIENCE_MS)
    card = page.locator("article[data-environment=dev]")
    expect(card).to_contain_text("Roll hello back", timeout=PATIENCE_MS)
    expect(card).to_contain_text("synced", timeout=PATIENCE_MS)
    assert tag in platform.kiban("quarantine")


@contextmanager
def visitors(platform: Repo) -> Iterator[None]:
    """Somebody who asks all the time."""
    over = threading.Event()

    def visit() -> None:
        while not over.wait(0.02):
            with suppress(OSError):
                platform.get()

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_keys_lead_around_and_filter(page: "Page", platform: Repo) -> None:
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Nodes")).to_be_visible()
    page.keyboard.press("p")
    expect(page.locator("[data-service=hello]")).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("input[type=search]")).to_be_focused()
    page.keyboard.type("no such service")
    expect(page.locator("[data-service]")).to_have_count(0)
    page.locator("input[type=search]").fill("hello")
    expect(page.locator("[data-service=hello]")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_from_using_it(page: "Page", platform: Repo, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    for name in PAGES:
        page.goto(page.url.partition("#")[0] + f"#/{name}")
        expect(page.locator("main")).not_to_have_text("…")
        found = axe.Axe().run(page).response["violations"]
        serious = [each for each in found if each["impact"] in ("serious", "critical")]
        assert [(name, each["id"], each["nodes"][0]["html"]) for each in serious] == []


def test_a_small_screen_needs_no_scrolling_sideways(page: "Page", platform: Repo) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    for name in PAGES:
        page.goto(page.url.partition("#")[0] + f"#/{name}")
        expect(page.locator("main")).not_to_have_text("…")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
