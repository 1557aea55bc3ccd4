"""Every page in both colour schemes and on a phone: it says what it is for, axe finds nothing, nothing overflows."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.browser.conftest import AXE
from tests.fakes.ui_agent import AGENT, EARLIER
from tests.fakes.ui_api import FakeApi
from tests.fakes.ui_world import World, an_id, trace_id

pytestmark = pytest.mark.browser

PAGES = {
    "sign-in": ("/sign-in", "Sign in to Assay"),
    "traces": ("/traces", "How long may I return shoes"),
    "found": ("/traces?q=status:error+latency>100ms&range=30d", "latency>100ms"),
    "live": ("/traces?live=1", "Listening for new spans"),
    "trace": (f"/traces/{trace_id(1)}", "retrieve policies"),
    "trace-agent": (f"/traces/{AGENT}?path=1", "first cycle"),
    "trace-graph": (f"/traces/{AGENT}?tab=graph", "decide takes the most time"),
    "trace-tokens": (f"/traces/{AGENT}?tab=tokens", "had been sent before"),
    "trace-scores": (f"/traces/{AGENT}?tab=scores", "tool loop"),
    "trace-raw": (f"/traces/{AGENT}?tab=raw", "root_span_id"),
    "trace-compare": (f"/traces/compare?a={EARLIER}&b={AGENT}", "6 spans only in the second"),
    "trace-test": (f"/traces/{AGENT}?do=test&span=000000a9e1700001", "client.chat.complete"),
    "steps": ("/steps", "search_trains takes 38 %"),
    "costs": ("/costs", "12 % more than"),
    "costs-why": ("/costs?tab=why", "most of it because calls are longer"),
    "costs-forecast": ("/costs?tab=forecast", "79 % of 210 forecast days"),
    "costs-savings": ("/costs?tab=savings&cheaper=local/small", "302 calls under 1,000 tokens"),
    "costs-prices": ("/costs?tab=prices", "house/mixtral"),
    "dashboards": ("/dashboards", "5 dashboards included"),
    "dashboard": ("/dashboards/performance?compare=1", "bins of 1 h, UTC"),
    "dashboard-quality": ("/dashboards/quality", "by 120 labels of people"),
    "dashboard-usage": ("/dashboards/usage", "How long may I return shoes"),
    "dashboard-editor": ("/dashboards/confidence?edit=1", "Viewers can filter by"),
    "sql": ("/sql", "Query your own data"),
    "sql-answer": ("/sql?q=SELECT+1", "200 rows in 12 ms"),
    "sessions": ("/sessions", "How long may I return shoes"),
    "session": ("/sessions/one?id=s-0", "Last active"),
    "users": ("/users", "Last active"),
    "user": ("/users/one?id=u-0061", "Latest sessions"),
    "datasets": ("/datasets", "Eighty questions of customers"),
    "dataset": ("/datasets/golden", "unanswerable"),
    "runs": ("/runs", "golden v2"),
    "run": (f"/runs/{an_id('run', 2)}", "right refusal is lower"),
    "compare": (f"/runs/compare?a={an_id('run', 1)}&b={an_id('run', 2)}", "support v2 is worse in"),
    "releases": ("/releases", "B: three words shorter"),
    "release": (f"/releases/{an_id('rel', 2)}", "Contents"),
    "channels": ("/channels", "not worse than the margin"),
    "channel": ("/channels/production", "is live, since"),
    "canaries": ("/canaries", "Rolled back"),
    "canary": (f"/canaries/{an_id('can', 2)}", "The traffic split is as configured"),
    "incidents": ("/incidents", "Canary on production rolled back"),
    "incident": (f"/incidents/{an_id('inc', 1)}", "Traffic"),
    "monitors": ("/monitors", "error-rate is alerting"),
    "monitor": (f"/monitors/{an_id('mon', 2)}", "Checked every"),
    "messages": ("/monitors?tab=messages", "Nobody is notified yet"),
    "silences": ("/monitors?tab=silences", "No silences"),
    "new-monitor": ("/monitors/new", "It would have alerted 2 times"),
    "change-monitor": (f"/monitors/{an_id('mon', 1)}/edit", "It would have alerted 2 times"),
    "audit": ("/audit", "canary.rollback"),
    "connect": ("/connect", "Waiting for the next trace"),
    "no-page": ("/prompts", "The address may be wrong"),
    "settings": ("/settings", "support service"),
    "feedback": ("/settings?tab=feedback", "I asked about a phone"),
    "quotas": ("/settings?tab=quotas", "Spans a day: 86 % used."),
    "sampling": ("/settings?tab=sampling", "would have kept their content"),
    "flags": ("/settings?tab=flags", "8,312 scores"),
    "retention": ("/settings?tab=retention", "Spans are kept 365 days"),
    "privacy": ("/settings?tab=privacy", "asked by letter"),
    "exports": ("/settings?tab=exports", "for-power-bi"),
    "new-export": ("/settings?tab=exports&do=new-export", "Inside the server’s export directory"),
    "forwarding": ("/settings?tab=forwarding", "It answered 503."),
    "backups": ("/settings?tab=backups", "Restore a backup"),
    "you": ("/settings?tab=you", "Single-key shortcuts"),
    "promote": (f"/channels/production?do=promote&release={an_id('rel', 2)}", "Say so if the context"),
    "rollback": ("/channels/production?do=rollback", "The next request will get"),
}
ON_A_PHONE = {
    "trace",
    "trace-agent",
    "trace-graph",
    "trace-tokens",
    "trace-compare",
    "steps",
    "traces",
    "found",
    "live",
    "canary",
    "incident",
    "channel",
    "rollback",
    "run",
    "compare",
    "costs",
    "costs-why",
    "costs-forecast",
    "costs-savings",
    "costs-prices",
    "connect",
    "no-page",
    "dashboards",
    "dashboard",
    "dashboard-quality",
    "dashboard-usage",
    "sql",
    "sql-answer",
    "sessions",
    "session",
    "users",
    "user",
    "monitors",
    "monitor",
    "messages",
    "silences",
    "new-monitor",
    "feedback",
    "quotas",
    "sampling",
    "flags",
    "retention",
    "privacy",
    "exports",
    "forwarding",
    "backups",
}
STANDARDS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
WIDEST = "Math.max(document.documentElement.scrollWidth, document.querySelector('#main')?.scrollWidth ?? 0)"


@pytest.fixture
def ui_api(week: World) -> FakeApi:
    """The same week for all of them: they only look. Of a hundred rows that are alike some are enough to read well."""
    api = FakeApi(week)
    api.most = 32
    return api


@pytest.mark.parametrize("name", PAGES)
def test_page_reads_well(opened: Callable[..., Page], name: str) -> None:
    page = opened(PAGES[name][0], signed_in=name != "sign-in")
    _shown(page, name)
    page.evaluate(AXE.read_text())  # not a script tag: the page's own policy would refuse it
    assert _violations(page, STANDARDS) == []
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    assert _violations(page, COLOURS) == []
    if name in ON_A_PHONE:
        page.set_viewport_size({"width": 360, "height": 740})
        _shown(page, name)
        assert _violations(page, STANDARDS, colours=False) == []  # they are those of above
        assert page.evaluate(WIDEST) <= 360


@pytest.mark.parametrize("name", ["sessions", "traces", "trace-agent", "costs", "dashboard", "incident", "audit"])
def test_page_reads_well_at_twice_its_size(opened: Callable[..., Page], name: str) -> None:
    """The browser's zoom of 200 %: half as many of the page's own pixels, in both directions."""
    page = opened("/connect")
    page.set_viewport_size({"width": 680, "height": 430})
    page.goto(page.url.removesuffix("/connect") + PAGES[name][0])
    _shown(page, name)
    page.evaluate(AXE.read_text())
    assert _violations(page, STANDARDS, colours=False) == []
    assert page.evaluate(WIDEST) <= 680


@pytest.mark.parametrize("path", ["/traces", "/dashboards/performance"])
def test_a_page_that_loads_reads_well(opened: Callable[..., Page], ui_url: str, path: str) -> None:
    """What stands where data will be says so to whoever cannot see it."""
    page = opened("/connect")
    page.route("**/api/v1/traces?**", lambda route: None)  # no answer
    page.route("**/api/v1/panels/**", lambda route: None)
    page.goto(ui_url + path)
    expect(page.get_by_role("progressbar", name="Loading").first).to_be_visible()
    page.evaluate(AXE.read_text())
    assert _violations(page, STANDARDS) == []


def _shown(page: Page, name: str) -> None:
    scope = page.get_by_role("dialog") if name in {"promote", "rollback", "trace-test"} else page.locator("body")
    expect(scope.get_by_text(PAGES[name][1]).first).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    if name in {"canary", "costs", "costs-forecast", "user"}:
        expect(page.locator(".chart svg")).to_be_visible()


def _violations(page: Page, run_only: dict[str, Any], *, colours: bool = True) -> list[str]:
    """Without `colours` contrast is not measured: of all rules it takes longest."""
    options = {"runOnly": run_only, "resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": colours}}}
    found: Any = page.evaluate("options => axe.run(document, options).then(found => found.violations)", options)
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]
