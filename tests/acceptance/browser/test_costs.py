"""What people do about money: see what it goes to, why it changed, and give a price to what has none."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from assay_server.api.routes.chargeback_page import About, as_page
from tests.fakes.ui_api import FakeApi
from tests.fakes.ui_costs import QUOTE, SMALL
from tests.fakes.ui_world import World

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]


def test_costs_say_what_is_unknown_and_lead_to_the_calls(opened: Opened) -> None:
    page = opened("/costs")
    expect(page.locator(".lead")).to_contain_text(
        "$12.40 in the last 7 days, 12 % more than the 7 days before ($11.10, 571 calls); "
        "17 calls have no price and are not in it."
    )
    expect(page.locator(".lead")).to_contain_text("12 model calls reported neither tokens nor a cost")
    row = page.get_by_role("row").filter(has_text=SMALL)
    expect(row).to_contain_text("unknown")
    page.get_by_role("link", name=QUOTE).click()
    expect(page).to_have_url(re.compile(f"by=name&model={QUOTE}"))
    page.get_by_role("button", name="Remove the filter model").click()
    page.get_by_role("combobox", name="Group by").click()
    page.get_by_role("option", name="user", exact=True).click()
    expect(page.get_by_role("columnheader", name="User")).to_be_visible()
    page.get_by_role("row").filter(has_text="lena").get_by_title("The traces behind this").click()
    expect(page).to_have_url(re.compile("/traces[?]since=.*q=user%3Alena"))


def test_what_rules_of_sampling_dropped_is_told_beside_the_sum(opened: Opened) -> None:
    page = opened("/costs")
    dropped = {"calls": 1204, "cost": {"usd": 4.12, "unknown": 0}, "tokens": 90_000}

    def answered(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"dropped": dropped})

    page.route("**/api/v1/costs?**", answered)
    page.reload()
    expect(page.get_by_text("dropped 1,204 more calls of the project ($4.12)")).to_be_visible()


def test_a_period_of_which_calls_were_let_go_is_compared_with_nothing(opened: Opened) -> None:
    """It seemed to have cost next to nothing, and this one thousands of percent more."""
    page = opened("/costs")
    lead = page.locator("p.lead")
    expect(lead).to_contain_text("the 7 days before (")

    def let_go(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"removed_before": "2026-11-20T00:00:00Z"})

    page.route("**/api/v1/costs?**", let_go)
    page.reload()
    expect(lead).to_contain_text("or some of them, were deleted by retention and are not included.")
    expect(lead).not_to_contain_text("the 7 days before (")


def test_the_report_is_of_the_month_before_or_of_what_is_shown(opened: Opened) -> None:
    page = opened("/costs?range=30d&by=tenant&feature=search")
    expect(page.get_by_role("button", name="Remove the filter feature")).to_be_visible()
    page.get_by_role("button", name="Report").click()
    expect(page.get_by_role("menu")).to_contain_text("Last 30 days, by tenant, with these filters")
    month, shown = page.get_by_role("menuitem", name="Page to print").all()
    assert "since=" not in str(month.get_attribute("href"))
    expect(shown).to_have_attribute("href", re.compile("group_by=tenant&format=html&since=.*&feature=search"))


def test_why_takes_a_difference_apart_and_the_days_are_in_the_address(opened: Opened) -> None:
    page = opened("/costs?tab=why")
    parts = page.locator(".waterfall .num")
    expect(parts).to_have_text(["$100.00", "+$10.00", "+$23.50", "$0", "−$2.50", "$131.00"])
    page.get_by_role("textbox", name="Day").fill("2026-11-12")
    page.get_by_role("textbox", name="Day").press("Enter")
    expect(page).to_have_url(re.compile("day=2026-11-12"))
    expect(page.locator(".waterfall")).to_contain_text("2026-11-12")


def test_an_impossible_day_in_the_link_is_told_and_can_be_mended(opened: Opened) -> None:
    told = {"title": "A field has a value that cannot be used.", "status": 400, "detail": "no day", "field": "day"}
    refused = re.compile(r"/costs/why\?day=2026-02-31")
    page = opened("/costs?tab=why")
    page.route(refused, lambda route: route.fulfill(status=400, json=told))
    page.goto(page.url + "&day=2026-02-31")
    expect(page.get_by_role("alert")).to_contain_text("no day")
    day = page.get_by_role("textbox", name="Day")
    day.press("Tab")
    expect(page).to_have_url(re.compile("day=2026-02-31"))
    day.fill("2026-11-12")
    day.press("Enter")
    expect(page).to_have_url(re.compile("day=2026-11-12"))
    expect(page.locator(".waterfall")).to_contain_text("2026-11-12")


def test_the_chart_calls_releases_by_the_names_that_the_table_has(opened: Opened) -> None:
    page = opened("/costs?by=release")
    first = page.get_by_role("table", name=re.compile("Costs by release")).get_by_role("link").first
    expect(first).to_contain_text(re.compile(r" v\d+$"))
    expect(page.locator(".legend").first).to_contain_text(first.inner_text())


def test_a_model_without_a_price_gets_one(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/costs?tab=prices")
    page.get_by_role("button", name=f"Set a price of {SMALL}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Model")).to_have_value(SMALL)
    expect(dialog.get_by_role("button", name="Set the price")).to_be_disabled()
    dialog.get_by_label("Input").fill("0.4")
    dialog.get_by_label("Output").fill("1.6")
    dialog.get_by_role("button", name="Set the price").click()
    expect(page.get_by_text(f"The price of {SMALL} is set")).to_be_visible()
    sent = {"input": 0.4, "output": 1.6, "provider": "local"}
    assert ui_api.received == [("PUT", f"/prices/{SMALL}", sent)]
    expect(page.get_by_text("14 stored calls of")).to_be_visible()
    remove = page.get_by_role("button", name=f"Remove the price of {SMALL}")
    remove.click()
    page.get_by_role("button", name=f"Really remove the price of {SMALL}").click()
    expect(page.get_by_role("button", name=f"Set a price of {SMALL}")).to_be_visible()


def test_a_price_may_hold_from_a_day_on_for_batch_calls_and_for_a_call(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/costs?tab=prices")
    page.get_by_role("button", name=f"Set a price of {SMALL}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Dollars a call").fill("0.0125")
    expect(dialog.get_by_role("button", name="Set the price")).to_be_enabled()
    dialog.get_by_label("Input").fill("0.0375")
    dialog.get_by_label("Output").press_sequentially("2.05")  # key by key: 2.0 is on the way
    dialog.get_by_label("Batch factor").fill("0.5")
    dialog.get_by_label("Valid from (UTC)").fill("2026-11-01")
    dialog.get_by_role("button", name="Set the price").click()
    expect(page.get_by_text(f"The price of {SMALL} is set")).to_be_visible()
    more = {"request": 0.0125, "batch": 0.5, "valid_from": "2026-11-01T00:00:00Z", "provider": "local"}
    assert ui_api.received == [("PUT", f"/prices/{SMALL}", {"input": 0.0375, "output": 2.05, **more})]
    row = page.get_by_role("table", name="Own prices").get_by_role("row").filter(has_text=SMALL)
    expect(row).to_contain_text("$0.0375")
    expect(row).to_contain_text("$0.0125 a call; batch × 0.5")
    expect(row).to_contain_text("2026-11-01")


def test_what_a_price_lacks_is_added_to_it_and_its_tiers_stay(opened: Opened, ui_api: FakeApi) -> None:
    tiers = [{"over": 1000, "input": 2.0}]
    rates = {"input": 1.0, "output": 2.0, "cache_read": 0.1, "cache_write": None, "reasoning": 10.0}
    about = {"id": "prc_tiered", "model": "batch*", "provider": None, "valid_from": "2026-11-15T12:00:00.000000Z"}
    price = {**about, **rates, "request": None, "batch": None, "tiers": tiers, "created_at": None, "created_by": None}
    ui_api.world.prices.append(price)
    page = opened("/costs?tab=prices")
    row = page.get_by_role("table", name="Models without a price").get_by_role("row").filter(has_text="batched")
    expect(row).to_contain_text("Other calls use your own price")
    row.get_by_role("button", name="Set a price of batched").click()
    dialog = page.get_by_role("dialog", name="Change a price")
    expect(dialog.get_by_label("Model")).to_have_value("batch*")
    expect(dialog).to_contain_text("over 1,000 prompt tokens do not change")
    dialog.get_by_label("Batch factor").fill("0.5")
    dialog.get_by_role("button", name="Set the price").click()
    expect(page.get_by_text("The price of batch* is set")).to_be_visible()
    kept = {name: rate for name, rate in rates.items() if rate is not None}
    sent = {**kept, "batch": 0.5, "tiers": tiers, "valid_from": "2026-11-15T12:00:00.000000Z"}
    assert ui_api.received == [("PUT", "/prices/batch*", sent)]


def test_a_price_set_over_one_with_more_says_so_and_keeps_it(opened: Opened, ui_api: FakeApi) -> None:
    rates = {"input": 1.0, "output": 2.0, "cache_read": 0.05, "cache_write": None, "reasoning": None, "request": None}
    more = {"batch": 0.5, "tiers": [{"over": 200_000, "input": 2.0}], "valid_from": None, "created_by": None}
    ui_api.world.prices.append({"id": "prc_full", "model": "full", "provider": None, "created_at": None} | rates | more)
    page = opened("/costs?tab=prices")
    page.get_by_role("button", name="Set a price", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Input").fill("0.9")
    dialog.get_by_label("Output").fill("1.9")
    keep = dialog.get_by_label("Keep the other rates of the previous price")
    expect(keep).to_have_count(0)
    dialog.get_by_label("Model").fill("full")
    expect(dialog).to_contain_text("cache read $0.05; batch × 0.5; other rates over 200,000 prompt tokens")
    expect(keep).to_be_checked()
    dialog.get_by_role("button", name="Set the price").click()
    expect(page.get_by_text("The price of full is set")).to_be_visible()
    assert ui_api.received == [("PUT", "/prices/full", {"input": 0.9, "output": 1.9, "unnamed": "keep"})]


def test_a_viewer_sees_prices_and_sets_none(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.role = "viewer"
    page = opened("/costs?tab=prices")
    expect(page.get_by_text("Only admins of this project can set prices")).to_be_visible()
    expect(page.get_by_role("button", name="Set a price")).to_have_count(0)


def test_a_new_project_is_told_what_will_be_here(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world = World()
    page = opened("/costs")
    expect(page.locator(".state h2")).to_have_text("No model calls in the last 7 days")
    for tab, title in [("Why", "on either day"), ("Forecast", "No full day"), ("Savings", "No model calls")]:
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(".state h2")).to_contain_text(title)
    page.get_by_role("tab", name="Prices").click()
    expect(page.get_by_text("Every model called in this time range has a price.")).to_be_visible()


def test_no_name_pushes_an_amount_off_the_printed_page_and_the_total_stands_once(chromium: Browser) -> None:
    tokens = {"input_total": 900_000_000, "output_total": 12_000_000}
    names = ["acme", "A sentence that somebody made a tenant's name, with an address " * 3, "x" * 300]
    sums = {"calls": 1_234_567, "tokens": tokens, "cost": {"usd": 12_345.67, "unknown": 1}, "share": 1 / 3}
    report = {
        "group_by": "tenant", "since": "2026-10-01T00:00:00Z", "until": "2026-11-01T00:00:00Z",
        "items": [{"value": name, **sums} for name in names * 40], "others": {"groups": 0}, "overlapping": False,
        "total": sums | {"cost": {"usd": 120 * 12_345.67, "unknown": 120}}, "unmetered": 0, "repriced_at": None,
        "removed_before": None, "dropped": None,
    }  # fmt: skip
    page = chromium.new_page(viewport={"width": 680, "height": 1000})  # of paper, within its margins
    page.set_content(bytes(as_page(report, About("shop", "2026-11-29T16:00:00Z", {}, {})).body).decode())
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.get_by_role("cell", name="12,345.67").first).to_be_in_viewport()
    display = "getComputedStyle(document.querySelector('tfoot')).display"
    assert page.evaluate(display) == "table-row-group", "a footer group is printed again on every page"
    page.close()


def test_costs_are_those_of_traces_that_a_line_finds(opened: Opened) -> None:
    page = opened("/costs?range=30d&user=u-0061")
    line = page.get_by_role("combobox", name="Only calls in traces that match this search")
    with page.expect_request(lambda request: "/costs?" in request.url and "search=" in request.url):
        line.fill("score.helpful<0.5 refund")
        page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("search=score.helpful%3C0.5[+]refund"))
    expect(page.locator("a[href*='q=score.helpful']").first).to_have_attribute("href", re.compile("user=u-0061"))
    line.fill("latency>soon")
    page.keyboard.press("Enter")
    expect(page.get_by_text("has a unit")).to_be_visible()
    expect(page.get_by_role("table")).to_have_count(0)
