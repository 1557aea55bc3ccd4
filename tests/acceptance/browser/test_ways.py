"""What people do on the pages: sign in, find, read, compare, promote, roll back, and what they meet when it fails."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.acceptance.browser.conftest import AXE
from tests.acceptance.browser.test_tracing import span_of
from tests.fakes.ui_agent import AGENT
from tests.fakes.ui_api import KEY, REQUEST_ID, FakeApi
from tests.fakes.ui_world import DEEP, World, an_id, at, trace_id

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]


def test_a_sign_in_link_leads_to_where_one_wanted_to_go(opened: Opened) -> None:
    page = opened("/channels/production", signed_in=False)
    expect(page.get_by_role("heading", name="Sign in to Assay")).to_be_visible()
    page.get_by_label("Key").fill("sk_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("No key was given, or nobody knows it.")
    expect(page.get_by_label("Key")).to_have_value("sk_wrong")
    page.goto(page.url + f"&token={KEY}")
    expect(page.get_by_role("heading", name="production")).to_be_visible()


def test_the_next_page_after_sign_in_is_never_another_site(opened: Opened) -> None:
    page = opened(f"/sign-in?token={KEY}&next=//example.org/", signed_in=False)
    expect(page.get_by_role("heading", name="Traces")).to_be_visible()


def test_a_session_that_ends_loses_nothing_that_was_typed(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=quotas")
    page.get_by_role("button", name="Change…").click()
    page.get_by_label("Reason").fill("more room")
    page.context.clear_cookies()
    page.get_by_role("button", name="Set them").click()
    again = page.get_by_role("dialog", name="Your session has ended")
    again.get_by_label("Key").fill("sk_wrong")
    again.get_by_role("button", name="Sign in").click()
    expect(again.get_by_role("alert")).to_be_visible()
    page.keyboard.press("Escape")
    again.get_by_label("Key").fill(KEY)
    again.get_by_role("button", name="Sign in").click()
    expect(again).to_have_count(0)
    expect(page.get_by_label("Reason")).to_have_value("more room")
    page.get_by_role("button", name="Set them").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert ui_api.received[-1][2]["reason"] == "more room"
    page.goto(page.url.replace("quotas", "you"))
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Assay")).to_be_visible()


def test_a_key_that_only_sends_is_told_so_once(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.role = "score"
    page = opened("/traces")
    expect(page.get_by_role("heading", name="This key cannot open pages")).to_be_visible()
    page.get_by_role("button", name="Use another key").click()
    expect(page.get_by_role("heading", name="Sign in to Assay")).to_be_visible()


@pytest.mark.parametrize("path", [
    "/dashboards?do=new", "/monitors?tab=silences&do=silence", "/monitors?tab=messages&do=new-address",
    "/settings?tab=exports&do=new-export", "/settings?tab=forwarding&do=new-forward",
])  # fmt: skip
def test_a_link_to_a_form_opens_none_for_a_viewer(opened: Opened, ui_api: FakeApi, path: str) -> None:
    ui_api.world.role = "viewer"
    page = opened(path)
    expect(page.locator("main").get_by_role("table").or_(page.locator("main .state")).first).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_filters_live_in_the_address(opened: Opened) -> None:
    page = opened("/traces")
    page.get_by_role("button", name="Status").click()
    page.get_by_role("menuitem", name="error").click()
    expect(page).to_have_url(re.compile("q=status%3Aerror$"))
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Traces 9")
    line = page.get_by_label("Search traces")
    line.fill("status:error no such words anywhere")
    line.press("Enter")
    expect(page.get_by_text("No traces match these filters")).to_be_visible()
    page.reload()
    expect(line).to_have_value("status:error no such words anywhere")
    page.get_by_role("button", name="Clear all filters").click()
    expect(heading).to_have_text("Traces 241")


def test_the_list_works_without_a_mouse(opened: Opened) -> None:
    page = opened("/traces")
    rows = page.locator("tbody tr.open")
    expect(rows.first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(rows.nth(1)).to_have_attribute("data-chosen", "true")
    expect(page.get_by_role("button", name="Copy 1 id")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Search traces")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page.get_by_role("heading", name="Incidents")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Go to Channels")


def test_two_rows_are_compared_without_a_mouse(opened: Opened) -> None:
    page = opened("/traces")
    rows = page.locator("tbody tr.open")
    expect(rows.first).to_be_visible()
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.get_by_role("button", name="Compare the two")).to_be_visible()
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile(r"/traces/compare\?a=[0-9a-f]{32}&b=[0-9a-f]{32}$"))


def test_enter_opens_the_row_that_the_keys_went_to(opened: Opened) -> None:
    page = opened("/traces")
    rows = page.locator("tbody tr.open")
    expect(rows.first).to_be_visible()
    page.keyboard.press("j")
    expect(rows.first.get_by_role("link").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/traces/[0-9a-f]{32}$"))


def test_the_second_key_of_a_sequence_is_nobody_elses(opened: Opened) -> None:
    """`s` alone scores a trace; `g s` goes to the settings."""
    page = opened("/traces")
    page.locator("tbody tr.open").first.get_by_role("link").first.click()
    expect(page.get_by_role("button", name="Score…").first).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    expect(page).not_to_have_url(re.compile("do="))
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_reason_is_sent_from_its_field(opened: Opened) -> None:
    page = opened(f"/incidents/{an_id('inc', 1)}")
    page.get_by_role("button", name="Acknowledge").click()
    reason = page.get_by_label("Reason")
    reason.press("Control+Enter")  # without a reason nothing is sent
    expect(reason).to_be_visible()
    reason.fill("on it")
    reason.press("Control+Enter")
    expect(page.get_by_text("Acknowledged: on it")).to_be_visible()


def test_the_palette_reaches_pages_and_actions(opened: Opened) -> None:
    page = opened("/traces")
    expect(page.get_by_role("heading", name="Traces")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Command or place").fill("roll back prod")
    expect(page.get_by_role("option").first).to_have_text("Roll back production…action")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Roll back production")).to_contain_text("The next request will get")


def test_an_empty_project_teaches_and_shows_the_first_trace_by_itself(opened: Opened, ui_api: FakeApi) -> None:
    full, ui_api.world = ui_api.world, World()
    page = opened("/traces")
    expect(page.get_by_text("Waiting for the first trace")).to_be_visible()
    page.get_by_role("button", name="Copy").first.click()
    assert "pip install ./sdk" in page.evaluate("navigator.clipboard.readText()")
    ui_api.world = full
    expect(page.locator("tbody tr.open").first).to_be_visible()


def test_every_empty_list_says_what_will_be_here(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world = World()
    page = opened("/traces")
    for place in ("Datasets", "Runs", "Releases", "Channels", "Canaries", "Incidents", "Audit log"):
        page.get_by_role("link", name=place).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(place)
        expect(page.locator(".state h2")).to_be_visible()


def test_a_span_is_part_of_the_address_and_messages_are_a_chat(opened: Opened) -> None:
    page = opened(f"/traces/{trace_id(2)}")
    page.get_by_role("treeitem", name="chat quote-2026-11-01").click()
    detail = page.get_by_role("region", name="Span chat quote-2026-11-01")
    expect(detail.get_by_role("article", name="assistant message").last).to_contain_text("We ship to all of Denmark")
    call = detail.locator("details.call")
    expect(call.get_by_text("order_status")).to_be_visible()
    expect(call.get_by_text("fields", exact=True)).not_to_be_visible()
    call.locator("summary").click()
    expect(call.get_by_text("fields", exact=True)).to_be_visible()
    assert "span=" in page.url
    page.reload()
    expect(detail).to_be_visible()
    page.get_by_role("button", name="Copy this call as a curl command").or_(page.get_by_text("cURL")).first.click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_attached()  # the server makes it
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl ")
    assert '"model": "extractive/quote-2026-11-01"' in copied


def test_scrubbed_values_are_chips_and_unknown_money_is_unknown(opened: Opened) -> None:
    page = opened(f"/traces/{trace_id(3)}")
    detail = page.locator(".detail")
    expect(detail.locator(".scrubbed").filter(has_text="credit card").first).to_be_visible()
    expect(page.locator(".page > .facts")).to_contain_text("Costunknown")
    assert "[CREDIT_CARD]" not in detail.inner_text()


def test_ten_thousand_spans_draw_only_what_is_in_sight(opened: Opened) -> None:
    page = opened(f"/traces/{DEEP}")
    tree = page.get_by_role("tree", name="Spans")
    expect(tree).to_be_visible()
    expect(page.get_by_text("10,000 spans").first).to_be_visible()
    assert tree.get_by_role("treeitem").count() < 80
    tree.focus()
    page.keyboard.press("End")
    expect(tree.locator("[aria-selected=true]")).to_contain_text("step 99")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(tree.get_by_role("treeitem")).to_have_count(1)


def test_two_runs_show_what_became_worse_first(opened: Opened) -> None:
    page = opened("/runs")
    boxes = page.get_by_role("checkbox")
    boxes.nth(2).check()
    boxes.nth(3).check()
    page.get_by_role("button", name="Compare the two").click()
    expect(page.locator(".lead")).to_have_text(
        "support v2 is worse in groundedness, right refusal; better in latency ms; undecided in fuzzy match."
    )
    expect(page).to_have_url(re.compile(f"a={an_id('run', 1)}&b={an_id('run', 2)}"))
    first = page.locator(".versus").first
    expect(first).to_contain_text("The documents I was given do not say.")
    expect(first).to_contain_text("worse")


def test_a_rollback_shows_what_comes_back_and_asks_for_a_reason(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/channels/production")
    page.get_by_role("button", name="Roll back").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The next request will get support v1 again instead of support v3.")
    expect(dialog.locator("del")).to_have_text(["6", "policies-2026-11-18"])
    act = dialog.get_by_role("button", name="Roll back to support v1")
    expect(act).to_be_disabled()
    dialog.get_by_label("Reason").fill("complaints about shipping answers")
    act.click()
    expect(page.get_by_text("production is back on support v1.")).to_be_visible()
    expect(page.locator(".lead")).to_contain_text("support v1 is live")
    expect(page.locator(".history li").first).to_contain_text("complaints about shipping answers")
    sent = {"reason": "complaints about shipping answers", "to": an_id("rel", 1)}
    assert ui_api.received == [("POST", "/channels/production/rollback", sent)]


def test_a_refused_promotion_keeps_what_was_typed_and_says_why(opened: Opened) -> None:
    page = opened(f"/channels/production?do=promote&release={an_id('rel', 2)}")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("del")).to_have_text(
        ["Say so if the context does not hold the answer. ", "6", "policies-2026-11-18"]
    )
    dialog.get_by_label("Reason").fill("shorter is better")
    dialog.get_by_role("button", name="Promote support v2").click()
    expect(dialog.get_by_role("alert")).to_contain_text("This release has no passing verdict.")
    expect(dialog.get_by_role("alert")).to_contain_text(REQUEST_ID)
    expect(dialog.get_by_label("Reason")).to_have_value("shorter is better")


def test_a_viewer_may_look_and_is_told_why_not_more(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.role = "viewer"
    page = opened("/channels/production")
    button = page.get_by_role("button", name="Promote a release")
    expect(button).to_be_disabled()
    button.hover()
    expect(page.get_by_role("tooltip")).to_contain_text("Your role is viewer")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/channels/production", "Promote a release"),
        (f"/incidents/{an_id('inc', 1)}", "Acknowledge"),
        (f"/traces/{AGENT}?span={{answer}}&do=dataset", "Put it in"),
    ],
)
def test_why_a_button_cannot_be_pressed_is_told_without_a_mouse(
    opened: Opened, ui_api: FakeApi, week: World, path: str, name: str
) -> None:
    """It was in a title alone, of a button that Tab passes over."""
    ui_api.world.role = "viewer"
    page = opened(path.format(answer=span_of(week, AGENT, "answer")))
    button = page.get_by_role("button", name=name)
    expect(button).to_have_accessible_description(re.compile("Your role is viewer"))
    button.focus()
    expect(button).to_be_focused()
    expect(page.get_by_role("tooltip")).to_contain_text("Your role is viewer")
    sent = len(ui_api.received)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(1 if "do=" in path else 0)
    assert len(ui_api.received) == sent
    page.evaluate(AXE.read_text())
    beside = "{rules: {region: {enabled: false}}, resultTypes: ['violations']}"  # tooltips stand beside all landmarks
    found = page.evaluate(f"axe.run(document, {beside})")
    assert [one["id"] for one in found["violations"]] == []


def test_an_incident_says_why_and_is_acknowledged_with_a_reason(opened: Opened) -> None:
    page = opened(f"/incidents/{an_id('inc', 1)}")
    expect(page.locator(".lead")).to_contain_text("at least 0.084, after 640 users")
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_label("Reason").fill("on it")
    page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Acknowledged: on it")).to_be_visible()
    page.get_by_role("link", name="Compare the two releases").click()
    expect(page).to_have_url(re.compile(f"/releases/{an_id('rel', 4)}[?]against={an_id('rel', 3)}$"))


def test_a_new_key_is_shown_once(opened: Opened) -> None:
    page = opened("/settings")
    page.get_by_role("button", name="Create a key").click()
    page.get_by_label("Name").fill("night job")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("dialog")).to_contain_text("sk_new_secret_shown_once")
    page.keyboard.press("Escape")
    page.mouse.click(5, 5)
    expect(page.get_by_role("dialog")).to_contain_text("sk_new_secret_shown_once")  # gone for good, were it closed
    page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_role("cell", name="night job", exact=True)).to_be_visible()
    assert "sk_new_secret_shown_once" not in page.content()


def test_a_failed_request_helps_and_can_be_tried_again(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.failing[f"/incidents/{an_id('inc', 1)}"] = 404
    page = opened(f"/incidents/{an_id('inc', 1)}")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("What to do: look for it in its list")
    expect(alert).to_contain_text(REQUEST_ID)
    ui_api.failing.clear()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".lead")).to_be_visible()


def test_a_busy_server_is_asked_again_when_it_said_so(opened: Opened) -> None:
    page = opened("/traces")
    is_busy = True  # until the page has said so: a machine that is busy itself might miss a moment
    busy = {"title": "The server is busy.", "status": 503, "code": "overloaded", "detail": "The queue is full."}

    def answer(route: Route) -> None:
        if is_busy:
            route.fulfill(status=503, headers={"retry-after": "3"}, json=busy)
        else:
            route.continue_()

    page.route("**/api/v1/steps*", answer)
    page.get_by_role("navigation").get_by_role("link", name="Steps").click()
    expect(page.get_by_role("alert")).to_contain_text("Retrying automatically after 3 seconds.")
    is_busy = False
    expect(page.get_by_text("search_trains takes 38 %")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_mistyped_address_keeps_the_navigation(opened: Opened) -> None:
    page = opened("/tracse")
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Monitors").click()
    expect(page.get_by_role("heading", name="Monitors")).to_be_visible()


def test_the_chosen_colours_stay(opened: Opened) -> None:
    page = opened("/traces")
    page.get_by_role("button", name="Switch to dark").click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload(wait_until="commit")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    expect(page.get_by_role("button", name="Switch to light")).to_be_visible()


def test_a_browser_that_is_offline_says_so_and_does_nothing_later(opened: Opened, ui_api: FakeApi) -> None:
    """What was pressed is refused at once: done when the network is back, a rollback would come out of the blue."""
    page = opened("/channels/production?do=rollback")
    page.get_by_label("Reason").fill("wrong answers")
    page.context.set_offline(True)
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    problem = page.get_by_role("dialog").get_by_role("alert")
    expect(problem).to_contain_text("The server is not responding")
    expect(problem).to_contain_text("may be stopped or still starting")
    page.context.set_offline(False)
    page.wait_for_timeout(500)
    assert ui_api.received == []


def test_a_page_that_is_opened_offline_does_not_load_for_ever(opened: Opened) -> None:
    page = opened("/connect")
    page.get_by_role("link", name="Audit log").hover()  # its script is fetched ahead
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.get_by_role("link", name="Audit log").click()
    expect(page.locator("main").get_by_role("alert").first).to_contain_text("The server is not responding")
    page.context.set_offline(False)


def test_the_audit_log_is_read_by_time_and_names_what_its_filters_take(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/audit?since=2026-11-01T00:00:00Z&until=2026-12-01T00:00:00Z")
    first = ui_api.world.audit[0]
    expect(page.locator("tbody time").first).to_contain_text("UTC")  # a log says when, not how long ago
    expect(page.get_by_role("button", name="1 Nov 2026, 00:00 to 1 Dec 2026, 00:00")).to_be_visible()
    page.get_by_role("button", name="canary.rollback").first.click()
    event = page.get_by_role("dialog")
    expect(event.get_by_text(first["actor"], exact=True)).to_be_visible()
    expect(event.get_by_text(first["action"], exact=True).last).to_be_visible()
    page.keyboard.press("Escape")
    ui_api.world.audit = []
    page.get_by_label("Filter by action").fill("canary")
    expect(page.get_by_text("No events match these filters")).to_be_visible()


@pytest.mark.parametrize(
    "path", ["/traces?", "/sessions?", "/users?", "/steps?", "/costs?tab=prices&", "/dashboards/cost?"]
)
@pytest.mark.parametrize("range_", ["77", "99999999999d"])
def test_a_range_that_cannot_be_read_is_told_and_not_taken_for_another(opened: Opened, path: str, range_: str) -> None:
    page = opened(f"{path}range={range_}")
    told = page.locator(".notice").filter(has_text="which cannot be read")
    expect(told).to_contain_text(f"The link names the range {range_}")
    expect(told).to_contain_text("write a range like 15m, 24h or 7d")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_costs_speak_of_the_time_they_are_of(opened: Opened) -> None:
    page = opened("/costs?range=77")
    expect(page.locator(".lead").first).to_contain_text("in the last 7 days")
    page.get_by_text("30d", exact=True).click()
    expect(page.get_by_text("which cannot be read")).to_have_count(0)


@pytest.mark.parametrize("path", ["/traces?", "/audit?", "/dashboards/cost?"])
def test_a_time_that_is_none_is_told_once_and_can_be_chosen_anew(opened: Opened, path: str) -> None:
    page = opened(f"{path}since=yesterday")
    told = page.locator(".notice").filter(has_text="which cannot be read")
    expect(told).to_contain_text("The link names times since yesterday")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("button", name=re.compile("Any time|Last")).first.click()
    page.get_by_role("menuitem", name="Last 7 days").click()
    expect(told).to_have_count(0)


@pytest.mark.parametrize("path", ["/sessions", "/users", "/steps", "/costs"])
def test_pages_that_look_back_from_now_say_that_they_take_no_other_time(opened: Opened, path: str) -> None:
    page = opened(f"{path}?since=2026-11-21T08:00:00Z&until=2026-11-21T09:00:00Z")
    expect(page.get_by_role("status").filter(has_text="This page only shows ranges up to now")).to_be_visible()


@pytest.mark.parametrize(
    "path", ["/traces?", "/sessions?", "/users?", "/steps?", "/costs?", "/audit?", "/dashboards/cost?"]
)
@pytest.mark.parametrize("asked", ["since=1w", "range=1w", "since=now-7d&until=now"])
def test_a_range_as_people_write_it_is_read_on_every_page(opened: Opened, path: str, asked: str) -> None:
    page = opened(f"{path}{asked}")
    expect(page.get_by_text(re.compile("^(Last 7 days|7d)$")).first).to_be_visible()
    chosen = page.get_by_role("radio", name="7d").or_(page.get_by_role("button", name="Last 7 days")).first
    if "menu" not in (chosen.get_attribute("aria-haspopup") or ""):
        expect(chosen).to_be_checked()
    expect(page.get_by_text("which cannot be read")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_window_of_one_day_is_told_whole(opened: Opened) -> None:
    page = opened("/traces?since=2026-11-21T08:00:00Z&until=2026-11-21T09:30:00Z")
    chosen = page.get_by_role("button", name="21 Nov 2026, 08:00 to 09:30")
    expect(chosen).to_have_attribute("title", "from 21 Nov 2026, 08:00:00 UTC to 21 Nov 2026, 09:30:00 UTC")
    page.goto(page.url.split("/traces")[0] + "/settings?tab=privacy")
    expect(page.locator("tbody time").first).to_contain_text("UTC")  # evidence says when


@pytest.mark.parametrize("held", [False, True])
def test_on_a_phone_no_button_of_the_traces_lies_under_the_search(opened: Opened, ui_api: FakeApi, held: bool) -> None:
    """Its head was pressed to one line, on a page that fills the screen."""
    ui_api.world = World()  # nothing is in the way of pressing it
    ui_api.held = {"backup": "assay-20261129", "made_at": at(), "restored_at": at()} if held else None
    page = opened("/traces")
    page.set_viewport_size({"width": 360, "height": 740})
    columns, search = page.get_by_role("button", name="Columns"), page.get_by_label("Search traces")
    above, below = columns.bounding_box(), search.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"]
    assert page.get_by_role("region", name="Restored from a backup").count() == held
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [one["id"] for one in found["violations"]] == []
