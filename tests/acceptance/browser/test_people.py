"""Sessions read as conversations and users with their history."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.ui_api import FakeApi
from tests.fakes.ui_world import World
from tests.fixtures.waiting import until

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]


def test_a_session_reads_as_a_conversation_without_repeating_itself(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/sessions")
    first = page.locator("tbody tr").first
    expect(first).to_be_visible()
    first.locator("td").last.click()
    turns = page.locator(".turns > li")
    rows = [row for row in ui_api.world.traces if row["session"] == "s-0"]
    expect(turns).to_have_count(len(rows))
    expect(turns.first.get_by_role("article")).to_have_count(2)
    expect(page.get_by_text("how can I help")).to_have_count(0)
    expect(turns.first.get_by_role("link").first).to_have_attribute("href", f"/traces/{rows[-1]['trace_id']}")


def test_a_user_has_a_history_that_leads_on(opened: Opened) -> None:
    page = opened("/users/one?id=u-0061")
    expect(page.get_by_role("heading", level=1)).to_have_text("u-0061")
    expect(page.get_by_role("img", name=re.compile("Traces for each day"))).to_be_visible()
    page.locator(".facts").get_by_role("link").nth(1).click()
    expect(page).to_have_url(re.compile("/traces[?]q=user%3Au-0061$"))
    page.go_back()
    page.get_by_role("region", name="Latest sessions").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/sessions/one[?]id=s-"))


def test_a_user_is_found_by_a_part_of_the_id(opened: Opened) -> None:
    page = opened("/users")
    page.get_by_role("searchbox", name="Find a user").fill("U-006")
    expect(page).to_have_url(re.compile("/users[?]q=U-006$"))
    links = page.get_by_role("table").get_by_role("link")
    expect(links.filter(has_text="u-0061")).to_be_visible()
    expect(links.filter(has_not_text="u-006")).to_have_count(0)
    page.get_by_role("searchbox").fill("nobody's")
    expect(page.get_by_text("in their id")).to_be_visible()
    page.goto(page.url.split("/users", maxsplit=1)[0] + "/sessions?q=nothing-like-it")
    expect(page.get_by_text("in its id")).to_be_visible()


@pytest.mark.parametrize(("path", "noun"), [("/sessions", "Sessions"), ("/users", "Users")])
def test_people_are_found_by_what_they_have_a_trace_of(opened: Opened, path: str, noun: str) -> None:
    page = opened(path)
    line = page.get_by_role("combobox", name=f"{noun} with traces that match this search")
    with page.expect_request(lambda request: f"/api/v1{path}?" in request.url and "search=" in request.url) as asked:
        line.fill("score.user_feedback<0.5 refund")
        page.keyboard.press("Enter")
    assert "search=score.user_feedback%3C0.5+refund" in asked.value.url
    expect(page).to_have_url(re.compile("search=score.user_feedback%3C0.5[+]refund"))


@pytest.mark.parametrize(("path", "head", "by"), [("/users", "Traces", "traces"), ("/sessions", "Cost", "cost")])
def test_lists_of_people_are_sorted_by_their_heads(opened: Opened, path: str, head: str, by: str) -> None:
    page = opened(path)
    column = page.get_by_role("columnheader", name=head)
    expect(page.get_by_role("columnheader", name="Last active")).to_have_attribute("aria-sort", "descending")

    def shown() -> list[float]:
        at = [cell.inner_text() for cell in page.get_by_role("columnheader").all()].index(head)
        cells = page.locator(f"tbody tr.open td:nth-child({at + 1})").all_inner_texts()
        return [float(figure[0]) for text in cells if (figure := re.search(r"[\d.]+", text))]

    def until_sorted(*, reverse: bool, unlike: list[float]) -> list[float]:
        """The head says its order at once; the rows follow when the server has answered."""
        return until(lambda: rows if (rows := shown()) == sorted(rows, reverse=reverse) and rows != unlike else [])

    newest = shown()

    column.get_by_role("button").click()
    expect(page.get_by_role("table", name=f"by {by}, largest first")).to_be_visible()
    expect(page).to_have_url(re.compile(f"sort={by}%3Adesc"))
    expect(column).to_have_attribute("aria-sort", "descending")
    largest = until_sorted(reverse=True, unlike=newest)
    assert largest != sorted(largest)
    column.get_by_role("button").click()
    expect(page.get_by_role("table", name=f"by {by}, smallest first")).to_be_visible()
    until_sorted(reverse=False, unlike=largest)
    page.get_by_role("columnheader", name="Last active").get_by_role("button").click()
    expect(page).not_to_have_url(re.compile("sort="))


def test_ids_are_whatever_applications_say(opened: Opened, ui_api: FakeApi) -> None:
    for row in ui_api.world.traces:
        if row["session"] == "s-0":
            row["session"] = "a/../b?c&d"
    page = opened("/sessions")
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("a/../b?c&d")
    expect(page.locator(".turns > li").first).to_be_visible()


def test_without_sessions_and_users_one_learns_how_they_get_here(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world = World()
    page = opened("/sessions")
    expect(page.locator(".state")).to_contain_text("session.id")
    page.get_by_role("link", name="Users").click()
    expect(page.locator(".state")).to_contain_text("user.id")
