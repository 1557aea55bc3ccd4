"""Without a mouse: the focus is never lost, whatever became of what had it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.ui_world import an_id

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]


def test_the_key_is_typed_without_a_click(opened: Opened) -> None:
    page = opened("/sign-in", signed_in=False)
    expect(page.get_by_label("Key")).to_be_focused()


@pytest.mark.parametrize(
    ("path", "button"),
    [
        ("/audit", "Verify the chain"),
        ("/settings?tab=forwarding", "Test tempo"),
        ("/settings?tab=retention", "Run a pass now"),
    ],
)
def test_a_button_that_waited_has_the_focus_again(opened: Opened, path: str, button: str) -> None:
    page = opened(path)
    pressed = page.get_by_role("button", name=button)
    pressed.press("Enter")
    expect(pressed).to_be_enabled()
    expect(pressed).to_be_focused()


def test_a_filter_that_is_removed_leaves_the_focus_beside_it(opened: Opened) -> None:
    page = opened("/traces?q=status:error+latency>100ms")
    page.get_by_role("button", name="Remove the filter latency").press("Enter")
    expect(page).to_have_url(re.compile("q=status%3Aerror$"))
    expect(page.locator("main :focus")).to_have_count(1)


def test_a_page_that_a_link_leads_to_has_the_focus_and_is_told(opened: Opened) -> None:
    page = opened("/traces")
    page.locator("tbody tr.open a").first.press("Enter")
    expect(page).to_have_url(re.compile("/traces/[0-9a-f]{32}"))
    expect(page.locator("#main")).to_be_focused()
    expect(page.locator("[data-said=route]")).to_have_text(re.compile("Assay$"))


@pytest.mark.parametrize(
    ("path", "button"), [("/settings?tab=quotas", "Change…"), (f"/monitors/{an_id('mon', 1)}", "Silence")]
)
def test_a_dialog_that_goes_gives_the_focus_back(opened: Opened, path: str, button: str) -> None:
    page = opened(path)
    opener = page.get_by_role("button", name=button, exact=True)
    opener.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()


def test_what_is_left_on_purpose_is_not_brought_back(opened: Opened) -> None:
    page = opened("/audit")
    page.get_by_role("button", name="Verify the chain").focus()
    page.get_by_role("heading", level=1).click()
    page.evaluate("document.querySelector('#main').append(document.createElement('i'))")
    expect(page.locator("button:focus")).to_have_count(0)


def test_a_panel_that_is_moved_takes_the_focus_along(opened: Opened) -> None:
    page = opened("/dashboards/confidence?edit=1")
    up = page.get_by_role("button", name="Move Confidence over time up")
    up.press("Enter")
    down = page.get_by_role("button", name="Move Confidence over time down")
    expect(up.or_(down).and_(page.locator(":focus"))).to_have_count(1)


def test_escape_leaves_a_field_for_good(opened: Opened) -> None:
    page = opened("/traces")
    line = page.get_by_label("Search traces")
    line.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.evaluate("document.querySelector('#main').append(document.createElement('i'))")
    expect(page.locator("input:focus")).to_have_count(0)
