"""Every page before a real server that holds one of everything: other tests have a fake one, which may lag behind."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from tests.acceptance.browser.conftest import SIZE, Listeners, heard_of, is_fault
from tests.fakes.ui_agent import AGENT, EARLIER
from tests.fakes.ui_world import an_id
from tests.fixtures.server import RunningServer
from tests.integration.isolation_world import MARK, filled_server

pytestmark = pytest.mark.browser

PAGES = [
    "/traces",
    "/traces?q=score.quokka-score:*",
    "/traces/{trace}",
    "/traces/{trace}?span={span}",
    "/traces/{trace}?tab=graph",
    "/traces/{trace}?tab=tokens",
    "/traces/{trace}?tab=scores",
    "/traces/{trace}?tab=raw",
    "/traces/compare?a={trace}&b={trace}",
    "/steps?name=quokka-span",
    "/sessions",
    "/sessions/one?id={session}",
    "/users",
    "/users/one?id={user}",
    "/dashboards",
    "/dashboards/{dashboard}",
    "/dashboards/performance",
    "/dashboards/cost",
    "/dashboards/quality",
    "/costs?by=user",
    "/costs?tab=prices",
    "/monitors",
    "/monitors/{monitor}",
    "/monitors?tab=messages",
    "/monitors?tab=silences",
    "/incidents",
    "/incidents/{incident}",
    "/datasets",
    "/datasets/{dataset}",
    "/runs",
    "/runs/{run}",
    "/runs/compare?a={run}&b={run2}",
    "/releases",
    "/releases/{release2}?against={release}",
    "/channels",
    "/channels/{channel}",
    "/canaries",
    "/canaries/{canary}",
    "/settings",
    "/settings?tab=sampling",
    "/settings?tab=retention",
    "/settings?tab=exports",
    "/settings?tab=forwarding",
    "/audit",
]
"""On each stands the word that everything has that was made."""

OTHERS = [
    "/",
    "/sql",
    "/connect",
    "/dashboards/usage",
    "/dashboards/confidence",
    "/costs?tab=why",
    "/costs?tab=forecast",
    "/costs?tab=savings",
    "/settings?tab=feedback",
    "/settings?tab=quotas",
    "/settings?tab=flags",
    "/settings?tab=privacy",
    "/settings?tab=backups",
]


_UNSAID = re.compile(r"\b(?:undefined|NaN|Infinity|Invalid Date)\b")
"""What a page writes of a field that is not there."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, dict[str, str]]]:
    with filled_server(tmp_path_factory.mktemp("real")) as made:
        yield made


@pytest.fixture(scope="module")
def somebody(chromium: Browser, filled: tuple[RunningServer, dict[str, str]]) -> Iterator[BrowserContext]:
    """Signed in with a key, as people do. All pages are loaded in the one that is open (`conftest.warm` says why)."""
    server, _ = filled
    context = chromium.new_context(viewport=SIZE, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{server.url}/sign-in")
    page.locator("input").first.fill(server.key)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)
    yield context
    context.close()


@pytest.mark.parametrize("path", [*PAGES, *OTHERS])
def test_a_page_shows_what_is_there(
    somebody: BrowserContext, filled: tuple[RunningServer, dict[str, str]], path: str
) -> None:
    server, made = filled
    complaints: list[str] = []
    page = somebody.pages[0]
    page.set_default_timeout(15_000)
    heard: Listeners = {
        "pageerror": lambda error: complaints.append(f"error in the page: {error}"),
        "console": lambda message: complaints.append(message.text) if is_fault(message) else None,
        "response": lambda answer: complaints.append(f"{answer.status} {answer.url}") if _refused(answer) else None,
    }
    with heard_of(page, heard):
        page.goto(server.url + path.format(**made))
        main = page.locator("main")
        if path in PAGES:
            expect(main).to_contain_text(MARK)
        expect(main.locator("h1")).not_to_be_empty()
        _settled(page)
        said = main.inner_text()
        page.goto(f"{server.url}/favicon.svg")  # nothing of the interface runs; an empty page costs the next a process
    assert complaints == []
    assert not _UNSAID.findall(said), said


ALIKE: dict[str, str | None] = {
    "/traces": "/traces",
    f"/traces/{AGENT}?outline=true": "/traces/{trace}?outline=true",
    f"/traces/{AGENT}/graph": "/traces/{trace}/graph",
    f"/traces/{AGENT}/tokens": "/traces/{trace}/tokens",
    f"/traces/{EARLIER}/compare/{AGENT}": "/traces/{trace}/compare/{trace}",
    "/sessions": "/sessions",
    "/sessions/one?id=s-0": "/sessions/one?id={session}",
    "/users": "/users",
    "/users/one?id=u-0061": "/users/one?id={user}",
    "/costs?group_by=model&bin=day": "/costs?group_by=model&bin=day",
    "/monitors": "/monitors",
    "/incidents": "/incidents",
    "/runs": "/runs",
    "/releases": "/releases",
    "/channels/production": "/channels/{channel}",
    "/canaries": "/canaries",
    "/datasets": "/datasets",
    "/dashboards/performance": "/dashboards/performance",
    "/steps": "/steps",
    "/quotas": "/quotas",
    "/sampling": "/sampling",
    "/exports": "/exports",
    "/forwards": "/forwards",
    "/audit": "/audit",
    "/silences": "/silences",
    "/notifications": "/notifications",
    f"/incidents/{an_id('inc', 1)}": "/incidents/{incident}",
    f"/monitors/{an_id('mon', 2)}": "/monitors/{monitor}",
    f"/monitors/{an_id('mon', 2)}/evaluations": "/monitors/{monitor}/evaluations",
    f"/runs/{an_id('run', 2)}": "/runs/{run}",
    f"/runs/{an_id('run', 2)}/items": "/runs/{run}/items",
    f"/releases/{an_id('rel', 2)}": "/releases/{release}",
    f"/releases/{an_id('rel', 2)}/diff?to={an_id('rel', 1)}": "/releases/{release}/diff?to={release2}",
    f"/canaries/{an_id('can', 2)}": "/canaries/{canary}",
    "/datasets/golden/items": "/datasets/{dataset}/items",
    "/exports/x/runs": "/exports/{export}/runs",
    **dict.fromkeys(
        ("/deletions", "/quotas/days", "/retention", "/flags", "/keys", "/providers", "/views", "/prices", "/scores"),
    ),
    **dict.fromkeys(
        ("/repricings", "/costs/why", "/costs/forecast", "/costs/savings", "/connect", "/notification-channels"),
    ),
    **dict.fromkeys(("/sql/schema", "/info", "/panels/words", "/outgoing", "/audit/verify", "/facets?field=model")),
}
"""Addresses of the fake server, and those of the real one that answer the same; None: the same address."""

_DATA = {
    "after",
    "attributes",
    "before",
    "definition",
    "details",
    "evidence",
    "filter",
    "headers",
    "match",
    "metadata",
    "parameters",
    "prompts",
    "scores",
    "scrubbed",
}
"""Their keys are whatever somebody said."""


@pytest.mark.parametrize("address", ALIKE)
def test_the_fake_server_promises_nothing_that_the_real_one_does_not_say(
    filled: tuple[RunningServer, dict[str, str]], ui_url: str, address: str
) -> None:
    """A field that is not there is shown as unknown: no page would complain."""
    server, made = filled
    fake = httpx.get(f"{ui_url}/api/v1{address}", cookies={"assay_session": "a-session"}).raise_for_status().json()
    with server.client() as http:
        real = http.get("/api/v1" + (ALIKE[address] or address).format(**made)).raise_for_status().json()
    assert list(_missing(fake, real)) == []


def _missing(fake: Any, real: Any, at: str = "") -> Iterator[str]:
    if isinstance(fake, dict) and isinstance(real, dict):
        for name, value in fake.items():
            if name not in real:
                yield f"{at}.{name}"
            elif name not in _DATA:
                yield from _missing(value, real[name], f"{at}.{name}")
    elif isinstance(fake, list) and isinstance(real, list) and fake and real:
        yield from _missing(fake[0], real[0], f"{at}[]")


def _refused(answer: Response) -> bool:
    return answer.status >= 400


def _settled(page: Page) -> None:
    """Nothing is loading any more."""
    expect(page.locator("main [aria-busy=true], main .skeleton")).to_have_count(0)
