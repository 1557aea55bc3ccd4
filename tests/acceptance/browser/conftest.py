"""Chromium in front of the built interface and a fake API: what a person sees, without the whole server."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright
from starlette.types import Receive, Scope, Send

from assay_server.api.web import BUILT
from tests.fakes.ui_agent import with_agents
from tests.fakes.ui_api import FakeApi, fresh, serving
from tests.fakes.ui_world import World, a_week

ROOT = Path(__file__).resolve().parents[3]
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
SIZE = ViewportSize(width=1360, height=860)

Opened = Callable[..., Page]
Listeners = dict[str, Callable[..., None]]
"""By the page's event."""

expect.set_options(timeout=15_000)  # a machine that is busy with other tests is not a fault of the page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a file; each gets a context of its own.

    Not for the session: Playwright's loop lives in this thread until it is stopped, and no asynchronous test of
    another file could run meanwhile.
    """
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    missing = [
        name
        for name, found in (
            ("Chromium", executable),
            ("the built interface (make ui)", (BUILT / "index.html").exists()),
            ("axe-core (npm ci in ui/)", AXE.exists()),
        )
        if not found
    ]
    if missing:
        message = f"browser tests need {', '.join(missing)}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def week() -> World:
    return with_agents(a_week())


@pytest.fixture
def ui_api(week: World) -> FakeApi:
    """The fake with a week of data that the test may change."""
    return FakeApi(fresh(week))


class Stage:
    """One address for the tests of a file, one after the other: what the browser compiled for it is there for all."""

    def __init__(self) -> None:
        self.url = ""
        self._app = FakeApi(World()).app()

    def show(self, api: FakeApi) -> None:
        self._app = api.app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage()
    with serving(made) as made.url:
        yield made


@pytest.fixture
def ui_url(stage: Stage, ui_api: FakeApi) -> str:
    stage.show(ui_api)
    return stage.url


@pytest.fixture(scope="module")
def warm(chromium: Browser, stage: Stage) -> Iterator[BrowserContext]:
    """A context with one page, in which the tests of a file load theirs one after the other.

    A new page has a process of its own, which starts and compiles the scripts anew: a third of a test.
    """
    context = _context(chromium)
    _as_new(context.new_page(), stage.url)
    yield context
    context.close()


@pytest.fixture
def opened(chromium: Browser, warm: BrowserContext, ui_url: str) -> Iterator[Opened]:
    """Opens a path, signed in unless told otherwise. What the console says and what leaves the site fails the test.

    Nothing of a test is left for the next: its page is left, what it stored, cookies and permissions are taken away.
    Whoever comes second in a test has a context of their own.
    """
    contexts: list[BrowserContext] = []
    pages: list[Page] = []
    complaints: list[str] = []
    listening = ExitStack()
    heard: Listeners = {
        "pageerror": lambda error: complaints.append(f"error in the page: {error}"),
        "console": lambda message: complaints.append(message.text) if is_fault(message) else None,
        "request": lambda request: None if _is_ours(request.url, ui_url) else complaints.append(request.url),
    }

    def open_page(path: str, *, signed_in: bool = True) -> Page:
        context = _context(chromium) if pages else warm
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=ui_url)
        if context is not warm:
            contexts.append(context)
        if signed_in:
            context.add_cookies([{"name": "assay_session", "value": "a-session", "url": ui_url}])
        page = context.new_page() if pages else warm.pages[0]
        pages.append(page)
        page.set_default_timeout(15_000)
        listening.enter_context(heard_of(page, heard))
        page.goto(ui_url + path)
        return page

    yield open_page
    listening.close()
    for context in contexts:
        context.close()
    if pages:
        _as_new(pages[0], ui_url)
    warm.clear_cookies()
    warm.clear_permissions()
    assert complaints == []


@contextmanager
def heard_of(page: Page, listeners: Listeners) -> Iterator[None]:
    """Nothing more, once the block has ended: the page is the next test's."""
    for event, listener in listeners.items():
        page.on(event, listener)  # type: ignore[call-overload]
    try:
        yield
    finally:
        for event, listener in listeners.items():
            page.remove_listener(event, listener)


def _as_new(page: Page, url: str) -> None:
    """Shows a picture of the site: no script of the interface runs, and what was stored can be taken away."""
    page.unroute_all(behavior="ignoreErrors")
    page.context.set_offline(False)
    page.goto(f"{url}/favicon.svg")
    page.evaluate("() => { localStorage.clear(); sessionStorage.clear() }")
    page.set_viewport_size(SIZE)
    page.emulate_media(media="null", color_scheme="light")
    page.mouse.move(0, 0)


def _context(browser: Browser) -> BrowserContext:
    return browser.new_context(viewport=SIZE, color_scheme="light", reduced_motion="reduce")


def _is_ours(url: str, ours: str) -> bool:
    return url.startswith((ours, "data:", "blob:"))


def is_fault(message: object) -> bool:
    """Warnings too; but an error status that a test asked for is written to the console by the browser itself."""
    kind, text = message.type, message.text  # type: ignore[attr-defined]
    return kind in {"error", "warning"} and "Failed to load resource" not in text
