"""What people do about monitors: see what rings, try one, silence it, make one, and say who is told."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.ui_api import FakeApi
from tests.fakes.ui_monitors import some_addresses
from tests.fakes.ui_world import World, an_id

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Opened = Callable[..., Page]


def test_what_rings_comes_first_and_can_be_tried_and_silenced(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/monitors")
    expect(page.locator(".lead")).to_have_text("error-rate is in alarm; 1 monitor has seen too little to say anything.")
    first = page.locator("tbody tr").first
    expect(first).to_contain_text("8.1 %")
    first.get_by_role("link").click()
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("It would say now")).to_be_visible()
    page.get_by_role("button", name="Silence").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("the provider is being moved")
    dialog.get_by_role("button", name="Silence it").click()
    expect(page.get_by_text("Nobody is told until")).to_be_visible()
    sent = {"minutes": 120, "reason": "the provider is being moved"}
    assert ui_api.received[-1] == ("POST", f"/monitors/{an_id('mon', 2)}/silence", sent)


def test_turning_one_off_sends_its_whole_definition(opened: Opened, ui_api: FakeApi) -> None:
    page = opened(f"/monitors/{an_id('mon', 3)}")
    page.get_by_role("button", name="Turn off").click()
    expect(page.locator(".lead")).to_contain_text("It is turned off and looks at nothing.")
    method, _, body = ui_api.received[-1]
    assert (method, body["name"], body["enabled"]) == ("PUT", "schema-violations", False)
    assert "status" not in body
    assert "id" not in body


def test_a_new_monitor_is_made_and_shown(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/monitors")
    page.get_by_role("button", name="New monitor").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("slow-answers")
    dialog.get_by_role("button", name="Watch it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("slow-answers")
    rule = {"kind": "change", "change": 0.5, "direction": "up"}
    wanted = {"name": "slow-answers", "metric": {"name": "latency", "quantile": 0.95}, "rule": rule}
    assert ui_api.received == [("POST", "/monitors", {**wanted, "group_by": None, "window_s": 3600})]


def test_addresses_are_added_tried_and_never_shown_again(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.addresses = some_addresses()
    page = opened("/monitors?tab=messages")
    expect(page.get_by_text("The address answered 404.").first).to_be_visible()
    page.get_by_role("button", name="Add an address").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("mail")
    dialog.get_by_label("Address").fill("mailto://me:hunter2@example.org")
    dialog.get_by_role("button", name="Add it").click()
    page.get_by_role("button", name="Send a test to mail").click()
    expect(page.get_by_text("mail was told, in 41 ms.")).to_be_visible()
    assert "hunter2" not in page.content()


def test_a_viewer_changes_nothing_and_an_empty_project_learns(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.role = "viewer"
    page = opened(f"/monitors/{an_id('mon', 2)}")
    expect(page.get_by_text("Looked at every")).to_be_visible()
    expect(page.get_by_role("button", name="Silence")).to_have_count(0)
    ui_api.world = World()
    page.get_by_role("link", name="Monitors").first.click()
    expect(page.locator(".state h2")).to_have_text("Nothing is watched")
