"""Pictures for docs/images, taken in Chromium from a server on which the tour has run, or one that was sent the
traffic of scripts/picture_week.py (two minutes ago or more: its monitors look once a minute).

usage: python scripts/screenshots.py http://127.0.0.1:4600 ADMIN_KEY [tour | week]
"""

import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from palette_png import shrink
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-quic", "--no-first-run"]


def main() -> int:
    url, key = sys.argv[1].rstrip("/"), sys.argv[2]
    week = sys.argv[3:] == ["week"]
    IMAGES.mkdir(parents=True, exist_ok=True)
    with httpx.Client(base_url=f"{url}/api/v1", headers={"authorization": f"Bearer {key}"}) as api:
        pages = _week(api) if week else _tour(api)
        token = api.post("/sign-in-tokens").json()["url"].partition("token=")[2]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        state = _signed_in(browser, url, token)
        for name, path in pages.items():
            _take(browser, state, f"{url}{path}", IMAGES / f"{name}.png")
        if not week:
            _take(browser, state, f"{url}{pages['canary']}", IMAGES / "canary-dark.png", color_scheme="dark")
            phone: Any = {"viewport": {"width": 390, "height": 844}}
            _take(browser, state, f"{url}{pages['incident']}", IMAGES / "incident-phone.png", **phone)
        browser.close()
    return 0


def _tour(api: httpx.Client) -> dict[str, str]:
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
        "runs": "/runs",
        "verdict": f"/verdicts/{refused['id']}",
        "compare": comparison,
        "release": f"/releases/{refused['release']}",
        "channel": "/channels/production",
        "canary": f"/canaries/{rolled_back}",
        "incident": f"/incidents/{incident}",
    }


QUERY = """SELECT model, count(*) AS calls, round(sum(cost), 2) AS usd,
  round(quantile_cont(latency_ms, 0.95)) AS p95_ms
FROM calls WHERE start > now() - INTERVAL 7 DAY
GROUP BY model ORDER BY usd DESC NULLS LAST"""


def _week(api: httpx.Client) -> dict[str, str]:
    """An agent's pages by the name of their picture."""
    found = api.get("/traces", params={"limit": 50}).raise_for_status().json()["items"]
    found = sorted((trace for trace in found if not trace["errors"]), key=lambda trace: trace["spans"])
    short, trace = found[0]["trace_id"], found[-1]["trace_id"]
    session = _longest(api, "sessions", "traces", 3)
    user = _longest(api, "users", "traces", 8)
    return {
        "traces-found": f"/traces?{urlencode({'q': 'score.user_feedback<0.5', 'range': '30d'})}",
        "trace-agent": f"/traces/{trace}",
        "trace-graph": f"/traces/{trace}?tab=graph",
        "trace-tokens": f"/traces/{trace}?tab=tokens",
        "trace-scores": f"/traces/{_scored(api)}?tab=scores",
        "trace-compare": f"/traces/compare?a={short}&b={trace}",
        "steps": "/steps?name=plan+journey",
        "sessions": "/sessions?range=7d",
        "session": f"/sessions/one?{urlencode({'id': session})}",
        "users": "/users?range=30d",
        "user": f"/users/one?{urlencode({'id': user})}",
        "costs": "/costs?range=30d",
        "costs-tenants": "/costs?range=30d&by=tenant",
        "costs-why": "/costs?tab=why",
        "costs-forecast": "/costs?tab=forecast",
        "costs-savings": f"/costs?{urlencode({'tab': 'savings', 'cheaper': 'openai/gpt-4o-mini'})}",
        "costs-prices": "/costs?tab=prices",
        "dashboards": "/dashboards",
        "dashboard": "/dashboards/performance?range=7d",
        "dashboard-cost": "/dashboards/cost?range=30d",
        "dashboard-usage": "/dashboards/usage?range=30d",
        "dashboard-quality": "/dashboards/quality?range=30d",
        "dashboard-confidence": "/dashboards/confidence?range=30d",
        "dashboard-editor": "/dashboards/usage?range=30d&edit=1",
        "monitors": "/monitors",
        "monitor": f"/monitors/{_monitor(api, 'slow-answers')}",
        "monitor-new": "/monitors/new",
        "sql": f"/sql?{urlencode({'q': QUERY})}",
        "connect": "/connect",
        "audit": "/audit",
        "settings-feedback": "/settings?tab=feedback",
        "settings-quotas": "/settings?tab=quotas",
        "settings-sampling": "/settings?tab=sampling",
        "settings-flags": "/settings?tab=flags",
        "settings-retention": "/settings?tab=retention",
        "settings-privacy": "/settings?tab=privacy",
        "settings-exports": "/settings?tab=exports",
        "settings-backups": "/settings?tab=backups",
    }


def _longest(api: httpx.Client, of: str, by: str, about: int) -> str:
    """The session or user that has about so many traces, and not hundreds."""
    found = api.get(f"/{of}", params={"limit": 100}).raise_for_status().json()["items"]
    return str(min(found, key=lambda row: abs(row[by] - about))[of.removesuffix("s")])


def _scored(api: httpx.Client) -> str:
    judged = api.get("/scores", params={"name": "groundedness", "source": "human", "limit": 1}).raise_for_status()
    return str(judged.json()["items"][0]["trace_id"])


def _monitor(api: httpx.Client, name: str) -> str:
    found = api.get("/monitors").raise_for_status().json()["items"]
    return str(next(monitor["id"] for monitor in found if monitor["name"] == name))


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
    shrink(browser, file)


if __name__ == "__main__":
    raise SystemExit(main())
