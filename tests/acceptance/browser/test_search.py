"""What people do with the list of traces: search in one line, save what they look at, watch it live, take it away."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.ui_api import FakeApi
from tests.fakes.ui_search import a_span
from tests.fakes.ui_world import trace_id

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]


def test_fields_and_values_are_offered_and_the_keyboard_is_enough(opened: Opened) -> None:
    page = opened("/traces")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Traces 241")
    page.keyboard.press("/")
    page.keyboard.type("sta")
    expect(page.get_by_role("option").first).to_contain_text("status:")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Search traces")).to_have_value("status:")
    page.keyboard.type("err")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(heading).to_have_text("Traces 9")
    expect(page.get_by_role("button", name="Status: error")).to_be_visible()
    page.get_by_role("button", name="Remove the filter Status").click()
    expect(heading).to_have_text("Traces 241")
    expect(page.get_by_label("Search traces")).to_have_value("")


def test_what_is_typed_behind_an_offer_is_a_part_of_its_own(opened: Opened) -> None:
    page = opened("/traces")
    page.get_by_label("Search traces").click()
    page.keyboard.type("status:err")
    expect(page.get_by_role("option").first).to_contain_text("error")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=status%3Aerror$"))
    page.keyboard.type("-model:x")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=status%3Aerror\+-model%3Ax$"))
    expect(page.get_by_role("button", name="Remove the filter -model:x")).to_be_visible()


def test_values_come_from_what_was_seen(opened: Opened) -> None:
    page = opened("/traces")
    line = page.get_by_label("Search traces")
    line.fill("model:quote")
    option = page.get_by_role("option").first
    expect(option).to_contain_text("quote-2026-11-01")
    expect(option).to_contain_text(re.compile(r"\d+ seen"))
    option.click()
    expect(page).to_have_url(re.compile("q=model%3Aquote-2026-11-01"))
    expect(page.get_by_role("button", name="Model: quote-2026-11-01")).to_be_visible()


def test_several_values_are_marked_and_one_of_them_must_hold(opened: Opened, ui_api: FakeApi) -> None:
    found = {
        m: sum(m in row["models"] for row in ui_api.world.traces) for row in ui_api.world.traces for m in row["models"]
    }
    one, other = sorted(found, key=lambda model: -found[model])[:2]
    either = sum(bool({one, other} & set(row["models"])) for row in ui_api.world.traces)
    assert either > max(found[one], found[other])
    page = opened("/traces")
    heading = page.get_by_role("heading", level=1)
    page.get_by_role("button", name="Model", exact=True).click()
    page.get_by_role("menuitem", name=one).click()
    expect(heading).to_have_text(f"Traces {found[one]}")
    page.get_by_role("menuitem", name=other).click()  # the list stayed open
    expect(heading).to_have_text(f"Traces {either}")
    expect(page.get_by_label("Search traces")).to_have_value(f"model:{one},{other}")
    page.keyboard.press("Escape")
    expect(page.get_by_role("menuitem")).to_have_count(0)
    page.get_by_role("button", name=f"Model: {one}, {other}").click()
    page.get_by_role("menuitem", name=re.compile(f"^{re.escape(one)} ?, chosen")).click()
    expect(heading).to_have_text(f"Traces {found[other]}")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove the filter Model").click()
    expect(heading).to_have_text("Traces 241")


def test_links_with_parameters_become_the_one_line(opened: Opened) -> None:
    page = opened("/traces?status=error&min_latency_ms=10&text=shoes")
    expect(page).to_have_url(re.compile("[?]q="))
    value = page.get_by_label("Search traces").input_value()
    assert set(value.split()) == {"status:error", "latency>=10ms", "shoes"}


def test_a_part_that_cannot_be_read_is_told_at_the_line(opened: Opened) -> None:
    page = opened("/traces?q=latency>2")
    expect(page.get_by_text("'latency>2' has no unit.")).to_be_visible()
    expect(page.get_by_label("Search traces")).to_have_attribute("aria-invalid", "true")
    line = page.get_by_label("Search traces")
    line.fill("latency>2s")
    line.press("Enter")
    expect(page.get_by_text("has no unit")).to_have_count(0)


def test_counting_stops_and_says_so_and_the_index_says_how_far_it_is(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.counted = 50
    ui_api.world.behind = {"rows": 1204, "seconds": 4.0}
    page = opened("/traces?q=return")
    expect(page.get_by_role("heading", level=1)).to_have_text("Traces 50+")
    expect(page.get_by_text("is 4.00 s behind; the 1,204 newest rows are scanned directly")).to_be_visible()
    page.goto(page.url.replace("?q=return", ""))
    expect(page.locator("tbody tr.open").first).to_be_visible()
    expect(page.get_by_text("The text index")).to_have_count(0)


def test_a_view_is_saved_renamed_begun_with_and_deleted(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/traces?q=status:error&cols=model")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("menuitem", name="Save these filters").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Failed")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    views = page.get_by_role("button", name="Failed", exact=True)
    expect(views).to_be_visible()
    sent = {"page": "traces", "query": {"q": "status:error", "cols": "model"}}
    assert ui_api.received == [("PUT", "/views/Failed", sent)]
    views.click()
    page.get_by_role("menuitem", name="Open with this view").click()
    page.goto(page.url.partition("?")[0])
    expect(page.get_by_role("heading", level=1)).to_have_text("Traces 9")
    views.click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Broken")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    page.get_by_role("button", name="Broken", exact=True).click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Views")).to_be_visible()
    assert [call[:2] for call in ui_api.received[1:]] == [
        ("PUT", "/views/Broken"),
        ("DELETE", "/views/Failed"),
        ("DELETE", "/views/Broken"),
    ]


def test_a_viewer_opens_views_and_saves_none(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.role = "viewer"
    view = {
        "name": "Failed",
        "page": "traces",
        "query": {"q": "status:error"},
        "updated_at": "",
        "updated_by": "user:x",
    }
    ui_api.world.views.append(view)
    page = opened("/traces")
    page.get_by_role("button", name="Views").click()
    save = page.get_by_role("menuitem", name="Save these filters… Your role is viewer")
    expect(save).to_be_disabled()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(save).to_be_focused()
    page.get_by_role("menuitem", name="Failed").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Traces 9")


def test_columns_are_chosen_in_the_address_and_kept_for_oneself(opened: Opened) -> None:
    page = opened("/traces")
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("menuitem", name=re.compile("^User ?, shown")).click()
    page.get_by_role("menuitem", name=re.compile("^Score user feedback ?, hidden")).click()
    expect(page).to_have_url(re.compile("cols=.*score.user_feedback"))
    expect(page.get_by_role("columnheader", name="user feedback")).to_be_visible()
    expect(page.get_by_role("columnheader", name="User", exact=True)).to_have_count(0)
    page.get_by_role("menuitem", name="Save in this browser").click()
    page.goto(page.url.partition("?")[0])
    expect(page.get_by_role("columnheader", name="user feedback")).to_be_visible()


def test_heads_sort_the_list_and_the_address_says_how(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/traces?q=status:error")
    slowest = sorted((row["latency_ms"] for row in ui_api.world.traces if row["status"] == "error"), reverse=True)
    shown = page.locator("tbody tr.open")
    head = page.get_by_role("columnheader", name="Latency")
    started = page.get_by_role("columnheader", name="Started")
    expect(shown).to_have_count(9)
    newest = shown.first.inner_text()
    expect(started).to_have_attribute("aria-sort", "descending")

    def latencies() -> list[str]:
        at = [cell.inner_text() for cell in page.get_by_role("columnheader").all()].index("Latency")
        return page.locator(f"tbody tr.open td:nth-child({at + 1})").all_inner_texts()

    head.get_by_role("button").click()
    expect(page).to_have_url(re.compile("sort=latency%3Adesc"))
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(page.get_by_role("table", name="Traces, by latency, largest first")).to_be_visible()
    down = latencies()
    assert len(down) == len(slowest)
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(page.get_by_role("table", name="Traces, by latency, smallest first")).to_be_visible()
    assert latencies() == down[::-1]
    assert len(set(down)) > 3
    page.keyboard.press("Enter")
    expect(started).to_have_attribute("aria-sort", "descending")
    expect(page).to_have_url(re.compile("q=status%3Aerror$"))
    assert shown.first.inner_text() == newest


def test_what_a_link_sorts_by_has_its_column(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.counted = 50
    page = opened("/traces?q=return&sort=score.user_feedback:asc&cols=model")
    head = page.get_by_role("columnheader", name="user feedback")
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(page.get_by_text("Sorted among the newest 50 traces that contain these words")).to_be_visible()
    page.goto(page.url.replace("user_feedback%3Aasc", "").replace("user_feedback:asc", ""))
    expect(page.get_by_text("The list cannot be sorted by this")).to_be_visible()


def test_two_marked_traces_are_compared(opened: Opened) -> None:
    page = opened("/traces")
    boxes = page.get_by_role("checkbox")
    boxes.nth(0).check()
    expect(page.get_by_role("button", name="Compare the two")).to_have_count(0)
    boxes.nth(1).check()
    page.get_by_role("button", name="Compare the two").click()
    expect(page).to_have_url(re.compile(r"/traces/compare[?]a=[0-9a-f]{32}&b=[0-9a-f]{32}$"))


def test_marked_traces_are_put_into_a_golden_set(
    opened: Opened, ui_api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, silent = ui_api.world.traces[:3]
    root = ui_api.world.spans[silent["trace_id"]][0]
    monkeypatch.setitem(root, "input", None)
    page = opened("/traces")
    boxes = page.get_by_role("checkbox")
    for at in range(3):
        boxes.nth(at).check()
    page.get_by_role("button", name="Golden set…").click()
    dialog = page.get_by_role("dialog", name="Put 3 traces into a golden set")
    dialog.get_by_label("Dataset").fill("golden")
    page.keyboard.press("Tab")  # the list of names closes
    expect(dialog).to_contain_text("Creates a new version: v3")
    expect(dialog.get_by_role("status")).to_contain_text("Left out because no question is stored")
    dialog.get_by_role("checkbox", name="Use the recorded answer as expected").uncheck()
    dialog.get_by_role("button", name="Put them in").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("golden v3 holds them")).to_be_visible()
    method, path, body = ui_api.received[-1]
    assert (method, path) == ("POST", "/datasets/golden/items")
    assert [item["source_span"] for item in body["items"]] == [first["root_span_id"], second["root_span_id"]]
    assert [item["expected"] for item in body["items"]] == [None, None]


def test_a_trace_leads_on_to_the_next_of_the_list_and_back_to_it(opened: Opened) -> None:
    page = opened("/traces?q=status:error")
    rows = page.locator("tbody a[href^='/traces/']")
    expect(page.get_by_role("heading", level=1)).to_have_text("Traces 9")
    first, second = (str(rows.nth(at).get_attribute("href")) for at in (0, 1))
    rows.first.click()
    expect(page.get_by_text("1 of 9")).to_be_visible()
    expect(page.get_by_role("link", name="Trace before")).to_have_count(0)
    page.get_by_role("tab", name="Scores").click()
    page.get_by_role("link", name="Next trace").click()
    expect(page).to_have_url(re.compile(re.escape(second) + r"\?tab=scores$"))
    expect(page.get_by_text("2 of 9")).to_be_visible()
    page.keyboard.press("[")
    expect(page).to_have_url(re.compile(re.escape(first)))
    page.get_by_role("main").get_by_role("link", name="Traces", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Traces 9")


def test_the_live_tail_shows_holds_and_says_what_it_missed(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.telling.extend(("span", a_span(n)) for n in range(3))
    page = opened("/traces?live=1")
    rows = page.locator(".live tbody tr.open")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("answer 2")
    page.keyboard.press("p")
    ui_api.world.telling.append(("span", a_span(7)))
    expect(page.get_by_text("Paused; 1 span waiting")).to_be_visible()
    expect(rows).to_have_count(3)
    page.keyboard.press("p")
    expect(rows.first).to_contain_text("answer 7")
    ui_api.world.telling.append(("missed", {"n": 12}))
    expect(page.get_by_text("12 spans left out")).to_be_visible()
    ui_api.world.telling.append(None)
    expect(page.get_by_text("Connection lost, reconnecting.")).to_be_visible()


def test_the_live_tail_holds_under_the_pointer_and_keeps_the_page_light(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.telling.extend(("span", a_span(n)) for n in range(1000))
    page = opened("/traces?live=1")
    expect(page.get_by_text("Listening; the newest 300")).to_be_visible()
    assert page.locator(".live tbody tr").count() < 60
    page.locator(".live tbody tr.open").first.hover()
    expect(page.get_by_text("Paused; 0 spans waiting")).to_be_visible()
    page.mouse.move(5, 5)
    expect(page.get_by_text("Listening; the newest 300")).to_be_visible()


def test_what_is_found_is_exported_and_its_command_copied(opened: Opened) -> None:
    page = opened("/traces?q=status:error")
    expect(page.get_by_role("heading", level=1)).to_have_text("Traces 9")
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("9 traces match")
    dialog.get_by_text("Parquet", exact=True).click()
    link = dialog.get_by_role("link", name="Download")
    expect(link).to_have_attribute("href", "/api/v1/export/traces?q=status%3Aerror&format=parquet")
    dialog.get_by_role("button", name="Copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "/api/v1/export/traces?q=status%3Aerror&format=parquet' -o traces.parquet" in copied
    assert "$ASSAY_API_KEY" in copied


def test_an_own_time_stands_in_the_address(opened: Opened) -> None:
    page = opened("/traces")
    page.get_by_role("button", name="Any time").click()
    page.get_by_role("menuitem", name="Last 24 hours").click()
    expect(page).to_have_url(re.compile("range=24h"))
    page.get_by_role("button", name="Last 24 hours").click()
    page.get_by_label("From").fill("2020-01-01T00:00")
    page.get_by_role("button", name="Show this time").click()
    expect(page).to_have_url(re.compile("since=20(19|20)-"))
    expect(page.locator(f"a[href*='{trace_id(1)}']")).to_be_visible()


def test_a_row_says_what_one_should_know_before_opening_it(opened: Opened, ui_api: FakeApi) -> None:
    first, *others = ui_api.world.traces
    scores = {**first["scores"], "tool_loop": {"n": 1, "mean": 1.0}}
    ui_api.world.traces = [{**first, "let_go": 2, "scores": scores, "pii": ["US_SSN"]}, *others]
    row = opened("/traces").locator("tbody tr.open").first
    for flag in ("tool loop", "text deleted", "scrubbed"):
        expect(row.get_by_role("img", name=flag)).to_be_visible()


def test_a_time_that_ends_before_it_begins_is_told(opened: Opened) -> None:
    page = opened("/traces")
    page.get_by_role("button", name="Any time").click()
    page.get_by_label("From (").fill("2026-11-29T08:00")
    page.get_by_label("To (").fill("2026-11-29T05:00")
    expect(page.get_by_text("It ends before it begins.")).to_be_visible()
    expect(page.get_by_role("button", name="Show this time")).to_be_disabled()
