"""Asking in SQL: the query is in the address, nothing typed is lost, an answer leads on and can be taken along."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.ui_api import FakeApi
from tests.fakes.ui_world import World, trace_id

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]


def test_a_query_is_run_by_its_link_and_its_answer_leads_to_traces(opened: Opened) -> None:
    page = opened("/sql")
    field = page.get_by_role("textbox", name="SQL")
    field.fill("SELECT 1")
    field.press("Control+Enter")
    expect(page.get_by_role("status").filter(has_text="200 rows in 12 ms")).to_be_visible()
    expect(page).to_have_url(re.compile("q=SELECT"))
    page.reload()
    expect(field).to_have_text("SELECT 1")
    page.locator("tbody a").first.click()
    expect(page).to_have_url(re.compile("/traces/[0-9a-f]{32}"))


def test_going_back_shows_the_query_of_the_answer(opened: Opened) -> None:
    page = opened("/sql?q=tiny")
    expect(page.locator("tbody td")).to_have_text(["0.0000001", "2.5e-12"])
    field = page.get_by_role("textbox", name="SQL")
    field.fill("SELECT 1")
    field.press("Control+Enter")
    expect(page.get_by_role("status").filter(has_text="200 rows")).to_be_visible()
    page.go_back()
    expect(field).to_have_text("tiny")
    expect(page.locator("tbody td").first).to_have_text("0.0000001")


def test_an_answer_can_be_copied_and_saved(opened: Opened) -> None:
    page = opened("/sql?q=many")
    expect(page.get_by_text("showing the first 200")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert Path(download.value.path()).read_text().startswith("trace_id,input,usd\n" + trace_id(0)[:3])
    page.get_by_role("button", name="Copy").click()
    assert page.evaluate("async () => JSON.parse(await navigator.clipboard.readText()).length") == 200


def test_a_refused_query_stays_and_the_reason_stands_below(opened: Opened) -> None:
    page = opened("/sql?q=DROP+TABLE+spans")
    expect(page.get_by_role("alert")).to_contain_text("only one SELECT can be asked")
    expect(page.get_by_role("textbox", name="SQL")).to_have_text("DROP TABLE spans")


def test_a_slow_query_can_be_stopped(opened: Opened) -> None:
    page = opened("/sql?q=slow")
    expect(page.get_by_text("Asking…")).to_be_visible()
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/api/v1/sql")):
        page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Run")).to_be_visible()
    told = page.get_by_role("status").filter(has_text="Stopped. The query is no longer running")
    expect(told).to_be_visible()
    page.get_by_role("textbox", name="SQL").fill("SELECT 1")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("status").filter(has_text="200 rows")).to_be_visible()
    expect(told).to_have_count(0)


def test_the_schema_writes_names_where_the_cursor_stands(opened: Opened) -> None:
    page = opened("/sql")
    field = page.get_by_role("textbox", name="SQL")
    field.fill("SELECT ")
    page.get_by_label("Find a column").fill("utc")
    page.get_by_role("complementary", name="Tables").get_by_role("button", name="end").click()
    expect(field).to_have_text('SELECT "end"')
    expect(field).to_be_focused()


def test_names_are_offered_as_they_are_typed(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/sql")
    field = page.get_by_role("textbox", name="SQL")
    field.fill("")
    field.press_sequentially("SELECT en FROM spans")
    for _ in range(len(" FROM spans")):
        field.press("ArrowLeft")
    field.press_sequentially("d")
    offered = page.get_by_role("listbox")
    first = offered.get_by_role("option").first
    expect(first).to_have_text("endtimestamp")
    first.click()
    expect(field).to_have_text('SELECT "end" FROM spans')
    expect(offered).to_have_count(0)
    field.press("Control+Enter")
    expect(page.get_by_role("status").filter(has_text="rows in")).to_be_visible()
    field.press("Tab")  # leaves the field: a keyboard is not caught in it
    expect(field).not_to_be_focused()
    assert ui_api.received[-1] == ("POST", "/sql", {"sql": 'SELECT "end" FROM spans'})


def test_no_row_is_said(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world = World()
    page = opened("/sql?q=SELECT+1")
    expect(page.get_by_text("No rows. The query is valid, but nothing matches it.")).to_be_visible()
