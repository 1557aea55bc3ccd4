"""Two people change the same thing: nobody overwrites what they did not see, and nothing that was typed is lost."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.ui_api import FakeApi
from tests.fakes.ui_world import an_id

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]
SHOW = "Discard my draft and show the saved version"
ANEW = "It was deleted meanwhile. Recreate it from my draft"


def saved_by_a_colleague(document: dict[str, Any], **changes: Any) -> None:
    document.update(changes, revision=document["revision"] + 1, updated_by="user:jonas")


def come_back(page: Page, path: str) -> None:
    """The page asks again when its window is looked at again, once what it has is some seconds old."""
    with page.expect_response(lambda response: response.url.endswith(path) and response.request.method == "GET"):
        page.evaluate("setInterval(() => window.dispatchEvent(new Event('visibilitychange')), 300)")


def test_rules_that_a_colleague_saves_meanwhile_take_nothing_away_that_was_typed(
    opened: Opened, ui_api: FakeApi
) -> None:
    page = opened("/settings?tab=retention")
    page.get_by_label("Their text, days").first.fill("14")
    rules = ui_api.world.kept["retention"]
    saved_by_a_colleague(rules, rules=[{**rules["rules"][0], "text_days": 20}])
    come_back(page, "/retention")
    expect(page.get_by_role("status").filter(has_text="jonas saved other changes meanwhile")).to_be_visible()
    expect(page.get_by_label("Their text, days").first).to_have_value("14")
    page.get_by_role("button", name="Review the change").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("two weeks")
    dialog.get_by_role("button", name="Save retention").click()
    expect(dialog.get_by_role("alert")).to_contain_text("changed since you read it")
    assert rules["rules"][0]["text_days"] == 20
    dialog.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name=SHOW).click()
    expect(page.get_by_label("Their text, days").first).to_have_value("20")
    expect(page.get_by_role("button", name=SHOW)).to_have_count(0)


def test_quotas_that_a_colleague_saved_while_the_dialog_was_open_are_not_overwritten(
    opened: Opened, ui_api: FakeApi
) -> None:
    page = opened("/settings?tab=quotas")
    page.get_by_role("button", name="Change…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Spans a month").fill("5000000")
    quotas = ui_api.world.kept["quotas"]
    saved_by_a_colleague(quotas, warn_at=0.5)
    come_back(page, "/quotas")
    dialog.get_by_label("Reason").fill("more traffic")
    dialog.get_by_role("button", name="Set them").click()
    expect(dialog.get_by_role("alert")).to_contain_text("changed since you read it")
    expect(dialog.get_by_label("Spans a month")).to_have_value("5,000,000")
    assert quotas["warn_at"] == 0.5


def test_a_monitor_that_a_colleague_changed_is_not_overwritten(opened: Opened, ui_api: FakeApi) -> None:
    mine, theirs = opened(f"/monitors/{an_id('mon', 2)}/edit"), opened(f"/monitors/{an_id('mon', 2)}/edit")
    mine.get_by_label("Name").fill("mine")
    theirs.get_by_label("Name").fill("theirs")
    theirs.get_by_role("button", name="Change it").click()
    expect(theirs.get_by_role("heading", name="theirs")).to_be_visible()
    mine.get_by_role("button", name="Change it").click()
    expect(mine.get_by_role("alert")).to_contain_text("changed since you read it")
    expect(mine.get_by_label("Name")).to_have_value("mine")
    mine.get_by_role("button", name=SHOW).click()
    expect(mine.get_by_role("heading", name="theirs")).to_be_visible()
    assert [row["name"] for row in ui_api.world.monitors if row["id"] == an_id("mon", 2)] == ["theirs"]


def test_a_dashboard_that_the_page_learnt_of_meanwhile_is_not_overwritten(opened: Opened, ui_api: FakeApi) -> None:
    mine, theirs = opened("/dashboards/cost?edit=1"), opened("/dashboards/cost?edit=1")
    mine.get_by_role("textbox", name="Title").fill("Mine")
    theirs.get_by_role("textbox", name="Title").fill("Theirs")
    theirs.get_by_role("button", name="Save").click()
    expect(theirs.get_by_role("heading", name="Theirs")).to_be_visible()
    come_back(mine, "/dashboards/cost")
    mine.get_by_role("button", name="Save").click()
    expect(mine.get_by_role("alert")).to_contain_text("saved by mara")
    expect(mine.get_by_role("textbox", name="Title")).to_have_value("Mine")
    mine.get_by_role("button", name=SHOW).click()
    expect(mine.get_by_role("heading", name="Theirs")).to_be_visible()


def test_a_dashboard_that_a_colleague_deleted_is_made_anew_from_the_draft(opened: Opened, ui_api: FakeApi) -> None:
    mine = opened("/dashboards?do=new")
    mine.get_by_label("Title").fill("Support")
    mine.get_by_role("button", name="Create").click()
    expect(mine.get_by_role("dialog")).to_have_count(0)
    mine.get_by_role("textbox", name="Title").fill("Mine")
    theirs = opened("/dashboards/support?edit=1")
    theirs.get_by_role("button", name="Delete").click()
    theirs.get_by_role("button", name="Really delete it").click()
    expect(theirs).to_have_url(re.compile("/dashboards$"))
    mine.get_by_role("button", name="Save").click()
    mine.get_by_role("button", name=ANEW).click()
    expect(mine.get_by_text("Mine is saved.")).to_be_visible()
    expect(mine.get_by_role("heading", name="Mine")).to_be_visible()


def test_a_monitor_that_a_colleague_deleted_is_made_anew_from_the_draft(opened: Opened, ui_api: FakeApi) -> None:
    mine = opened(f"/monitors/{an_id('mon', 2)}/edit")
    mine.get_by_label("Name").fill("mine")
    ui_api.world.monitors[:] = [one for one in ui_api.world.monitors if one["id"] != an_id("mon", 2)]
    mine.get_by_role("button", name="Change it").click()
    mine.get_by_role("button", name=ANEW).click()
    expect(mine.get_by_text("mine has been updated.")).to_be_visible()
    assert [call[:2] for call in ui_api.received if call[0] in ("PUT", "POST") and "preview" not in call[1]] == [
        ("PUT", f"/monitors/{an_id('mon', 2)}"),
        ("POST", "/monitors"),
    ]


def test_an_export_that_a_colleague_deleted_keeps_what_is_typed(opened: Opened, ui_api: FakeApi) -> None:
    mine = opened("/settings?tab=exports")
    mine.get_by_role("button", name="bi", exact=False).first.click()
    mine.get_by_role("button", name="Change", exact=True).click()
    dialog = mine.get_by_role("dialog")
    dialog.get_by_label("Name").fill("mine")
    ui_api.world.kept["exports"].clear()
    come_back(mine, "/exports")
    expect(mine.get_by_text("The export in this link does not exist or was deleted.")).to_be_visible()
    expect(dialog.get_by_label("Name")).to_have_value("mine")
    dialog.get_by_role("button", name="Change it").click()
    dialog.get_by_role("button", name=ANEW).click()
    expect(dialog).to_have_count(0)
    assert [one["name"] for one in ui_api.world.kept["exports"]] == ["mine"]


def test_a_reader_whose_clock_is_hours_off_sees_the_same_as_everybody(opened: Opened, ui_api: FakeApi) -> None:
    """The last hour was that of the reader's clock: empty where it is fast, of this morning where it is slow."""
    opened("/sign-in")
    page = opened("/sign-in")  # in a context of its own
    address = page.url.replace("/sign-in", "/dashboards/cost?range=1h")
    for hours in (-5, 5):
        page.goto("about:blank")  # a page that is open asks again where its clock jumps
        page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=hours))
        with page.expect_request("**/panels/query") as asked:
            page.goto(address)
        until = datetime.fromisoformat(asked.value.post_data_json["until"])
        assert abs(until - datetime.now(UTC)) < timedelta(minutes=3)
