"""Pictures of the tour's pages for docs/images, taken in Chromium from a server on which the tour has run.

usage: python scripts/screenshots.py http://127.0.0.1:4600 ADMIN_KEY
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-quic", "--no-first-run"]


def main() -> int:
    url, key = sys.argv[1].rstrip("/"), sys.argv[2]
    IMAGES.mkdir(parents=True, exist_ok=True)
    with httpx.Client(base_url=f"{url}/api/v1", headers={"authorization": f"Bearer {key}"}) as api:
        pages = _pages(api)
        token = api.post("/sign-in-tokens").json()["url"].partition("token=")[2]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        state = _signed_in(browser, url, token)
        for name, path in pages.items():
            _take(browser, state, f"{url}{path}", IMAGES / f"{name}.png")
        _take(browser, state, f"{url}{pages['canary']}", IMAGES / "canary-dark.png", color_scheme="dark")
        phone: Any = {"viewport": {"width": 390, "height": 844}}
        _take(browser, state, f"{url}{pages['incident']}", IMAGES / "incident-phone.png", **phone)
        browser.close()
    return 0


def _pages(api: httpx.Client) -> dict[str, str]:
    """The tour's pages by the name of their picture."""

    def items(path: str, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = api.get(path, params=params).raise_for_status().json()["items"]
        return found

    trace = items("/traces", kind="chain", limit=1)[0]["trace_id"]
    refused = next(verdict for verdict in items("/verdicts") if verdict["verdict"] == "fail")
    rolled_back = items("/canaries", status="rolled_back")[0]["id"]
    incident = items("/incidents")[0]["id"]
    comparison = f"/runs/compare?a={refused['baseline_run']}&b={refused['run']}"
    return {
        "traces": "/traces",
        "trace": f"/traces/{trace}",
        "trace-graph": f"/traces/{trace}?tab=graph",
        "trace-tokens": f"/traces/{trace}?tab=tokens",
        "steps": "/steps",
        "runs": "/runs",
        "verdict": f"/verdicts/{refused['id']}",
        "compare": comparison,
        "release": f"/releases/{refused['release']}",
        "channel": "/channels/production",
        "canary": f"/canaries/{rolled_back}",
        "incident": f"/incidents/{incident}",
    }


def _signed_in(browser: Browser, url: str, token: str) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/sign-in?token={token}")
    page.wait_for_url("**/traces**")
    state = context.storage_state()
    context.close()
    return state


def _take(browser: Browser, state: Any, address: str, file: Path, **options: Any) -> None:
    settings: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, **options}
    context = browser.new_context(storage_state=state, reduced_motion="reduce", **settings)
    page: Page = context.new_page()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(600)  # a picture, not a test: charts finish drawing
    page.screenshot(path=file)
    context.close()


if __name__ == "__main__":
    raise SystemExit(main())
