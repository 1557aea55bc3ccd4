"""What people do about monitors: see what rings, try one, silence it, make one, and say who is told."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.fakes.ui_api import FakeApi
from tests.fakes.ui_monitors import some_addresses
from tests.fakes.ui_world import Json, World, an_id, at

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]


def test_what_rings_comes_first_and_can_be_tried_and_silenced(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/monitors")
    expect(page.locator(".lead")).to_have_text("error-rate is alerting; 1 monitor has too little data to decide.")
    first = page.locator("tbody tr").first
    expect(first).to_contain_text("8.1 %")
    first.get_by_role("link").click()
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_text("It would report now")).to_be_visible()
    page.get_by_role("button", name="Silence").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("the provider is being moved")
    dialog.get_by_role("button", name="Silence").click()
    expect(page.get_by_text("Notifications are paused until")).to_be_visible()
    sent = {"minutes": 120, "reason": "the provider is being moved"}
    assert ui_api.received[-1] == ("POST", f"/monitors/{an_id('mon', 2)}/silence", sent)


def test_the_week_of_a_monitor_is_drawn_with_its_line(opened: Opened) -> None:
    page = opened(f"/monitors/{an_id('mon', 2)}")
    expect(page.get_by_text("It would have alerted 2 times in the past 7 days")).to_be_visible()
    chart = page.get_by_role("img", name="The past 7 days: all, alert above")
    expect(chart.locator("path").first).to_be_attached()
    figure = page.locator("figure").filter(has=chart)
    expect(figure).to_contain_text("alert above 5 %")
    expect(figure).to_contain_text("checked every 1 h, UTC; dotted: too little data")
    chart.hover(position={"x": 83, "y": 80})  # the fourth look of 168
    expect(chart).to_contain_text("too little data")


def test_turning_one_off_sends_its_whole_definition(opened: Opened, ui_api: FakeApi) -> None:
    page = opened(f"/monitors/{an_id('mon', 3)}")
    page.get_by_role("button", name="Turn off").click()
    expect(page.locator(".lead").first).to_contain_text("This monitor is turned off.")
    method, _, body = ui_api.received[-1]
    assert (method, body["name"], body["enabled"]) == ("PUT", "schema-violations", False)
    assert "status" not in body
    assert "id" not in body


def test_a_new_monitor_is_tried_before_it_is_made(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/monitors")
    page.get_by_role("link", name="New monitor").click()
    expect(page.get_by_text("It would have alerted 2 times in the past 7 days: 168 checks, 1 of them")).to_be_visible()
    page.get_by_label("Name").fill("slow-answers")
    page.get_by_role("combobox", name="Metric").click()
    page.get_by_role("option", name="Latency").click()
    page.get_by_text("Change", exact=True).click()
    page.get_by_label("By more than").fill("30")
    page.get_by_role("combobox", name="Which way").click()
    page.get_by_role("option", name="either way").click()
    page.get_by_role("button", name="Add a filter").click()
    page.get_by_role("combobox", name="Field").click()
    page.get_by_role("option", name="model", exact=True).click()
    page.get_by_role("combobox", name="Values of model").fill("gpt-5")
    page.keyboard.press("Enter")
    page.get_by_role("combobox", name="Time zone of the baseline").fill("Berlin")
    page.get_by_role("option", name="Europe/Berlin").click()
    page.get_by_role("combobox", name="For each").fill("attribute:http.route")
    with page.expect_response("**/monitors/preview"):
        page.get_by_role("option", name="attribute:http.route", exact=True).click()
    page.get_by_role("button", name="Watch it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("slow-answers")
    made = _changes(ui_api)[-1]
    assert made[:2] == ("POST", "/monitors")
    assert made[2]["metric"] == {"name": "latency", "quantile": 0.95}
    rule = {"kind": "change", "change": 0.3, "direction": "both", "false_alarms_per_year": 1, "days": 28}
    rule["time_zone"] = "Europe/Berlin"
    assert (made[2]["rule"], made[2]["filter"], made[2]["group_by"]) == (
        rule,
        {"model": ["gpt-5"]},
        "attribute:http.route",
    )
    tried = [body for method, path, body in ui_api.received if path == "/monitors/preview"]
    assert tried[-1]["rule"] == rule


def test_a_search_of_the_list_is_watched(opened: Opened, ui_api: FakeApi) -> None:
    """From the list, with one line more beside it, whose commas are its own."""
    page = opened("/traces?q=latency>3s refund since:2d&range=24h")
    page.get_by_role("link", name="Watch").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New monitor")
    page.get_by_label("Name").fill("slow-refunds")
    line = page.get_by_role("combobox", name="Line of the search", exact=True)
    expect(line).to_have_value("latency>3s refund")
    page.get_by_role("button", name="Or what another line finds").click()
    other = page.get_by_role("combobox", name="Or line 2 of the search")
    other.fill("sta")
    page.get_by_role("option", name="status: ok, error, unset").click()
    with page.expect_response("**/monitors/preview"):
        page.get_by_role("option", name="error", exact=True).click()
    expect(other).to_have_value("status:error ")
    other.press_sequentially("user:ann,bob")
    with page.expect_response("**/monitors/preview"):
        page.keyboard.press("Tab")  # what is typed holds when one leaves it
    page.get_by_role("button", name="Watch it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("slow-refunds")
    made = _changes(ui_api)[-1][2]
    assert made["filter"] == {"search": ["latency>3s refund", "status:error user:ann,bob"]}
    assert (made["metric"], made["rule"]) == ({"name": "requests"}, {"kind": "threshold", "above": 0})


def test_a_long_search_has_the_width_of_the_form_on_a_phone(opened: Opened) -> None:
    line = "latency>3s score.user_feedback<0.5 refund attr.gen_ai.request.model~gpt -user:u-0001"
    page = opened(f"/monitors/new?search={line}")
    page.set_viewport_size({"width": 360, "height": 800})
    field = page.get_by_role("combobox", name="Line of the search")
    expect(field).to_have_value(line)
    assert field.evaluate("it => it.clientWidth") > 250


def test_an_error_budget_is_watched_and_told_to_one_address(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.addresses = some_addresses()
    page = opened("/monitors/new")
    page.get_by_label("Name").fill("budget")
    page.get_by_text("Error budget", exact=True).click()
    page.get_by_label("Should be good").fill("99.5")
    page.get_by_role("combobox", name="Notify", exact=True).click()
    page.get_by_role("option", name="only these").click()
    page.get_by_role("combobox", name="Addresses").click()
    page.get_by_role("option", name="on-call").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Watch it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("budget")
    body = _changes(ui_api)[-1][2]
    assert (body["rule"], body["notify"]) == ({"kind": "burn", "objective": 0.995, "days": 30}, ["on-call"])


def test_a_monitor_is_changed_with_everything_it_had(opened: Opened, ui_api: FakeApi) -> None:
    page = opened(f"/monitors/{an_id('mon', 2)}")
    page.get_by_role("link", name="Change").click()
    expect(page.get_by_label("Is above")).to_have_value("5")
    page.get_by_label("Is above").fill("7")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_text("error rate above 7 %")).to_be_visible()
    method, path, body = _changes(ui_api)[-1]
    assert (method, path) == ("PUT", f"/monitors/{an_id('mon', 2)}")
    assert (body["filter"], body["every_s"], body["rule"]) == (
        {"kind": ["llm"]},
        300,
        {"kind": "threshold", "above": 0.07},
    )


def test_leaving_a_monitor_that_was_changed_asks_first(opened: Opened) -> None:
    page = opened(f"/monitors/{an_id('mon', 2)}")
    page.get_by_role("link", name="Change").click()
    page.get_by_role("link", name="Cancel").click()  # nothing to lose
    expect(page).to_have_url(re.compile("/monitors$"))
    page.go_back()
    page.get_by_label("Is above").fill("7")
    page.get_by_role("link", name="Cancel").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your changes to this monitor are not saved")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_label("Is above")).to_have_value("7")
    page.get_by_role("link", name="Traces", exact=True).click()
    dialog.get_by_role("button", name="Discard changes").click()
    expect(page).to_have_url(re.compile("/traces$"))


def test_a_value_leads_to_its_traces(opened: Opened) -> None:
    page = opened(f"/monitors/{an_id('mon', 2)}")
    value = page.get_by_role("link", name="8.1 %").first
    expect(value).to_have_attribute("href", re.compile(r"^/traces[?]q=status%3Aerror\+kind%3Allm&since=.*&until="))


def test_an_incident_leads_to_the_traces_of_its_window(opened: Opened, ui_api: FakeApi) -> None:
    window = {"since": "2026-11-21T08:00:00Z", "until": "2026-11-21T08:15:00Z"}
    seen = {"group": "u1", "group_by": "user", "metric": "error_rate", "filter": {"kind": ["llm"]}, "window": window}
    ui_api.world.incidents[1] |= {
        "kind": "monitor_threshold",
        "evidence": seen | {"n": 80, "value": 0.1, "unit": "share"},
    }
    page = opened(f"/incidents/{an_id('inc', 2)}")
    page.get_by_role("link", name="The traces of this window").click()
    expect(page).to_have_url(
        re.compile(r"/traces[?]q=status%3Aerror\+kind%3Allm\+user%3Au1&since=2026-11-21T08.*&until=2026")
    )


def test_an_incident_offers_a_good_trace_beside_a_bad_one(opened: Opened, ui_api: FakeApi) -> None:
    bad, good = [row | {"name": "answer"} for row in ui_api.world.traces[:2]]
    window = {"since": "2026-11-21T08:00:00Z", "until": "2026-11-21T08:15:00Z"}
    seen = {"monitor": "errors", "metric": "error_rate", "filter": {}, "group_by": None, "window": window}
    ui_api.world.incidents[1] |= {"kind": "monitor_threshold", "evidence": seen | {"n": 80, "value": 0.1}}
    listed = {"good": [good]}

    def answer(route: Route) -> None:
        items = listed["good"] if "exclude=status" in route.request.url else [bad]
        route.fulfill(json={"items": items, "total": len(items), "next": None})

    page = opened("/monitors")
    page.route("**/api/v1/traces?*", answer)
    page.goto(page.url.replace("/monitors", f"/incidents/{an_id('inc', 2)}"))
    link = page.get_by_role("link", name="Compare one that failed with one that did not")
    expect(link).to_have_attribute("href", f"/traces/compare?a={good['trace_id']}&b={bad['trace_id']}")
    listed["good"] = [good | {"name": "another"}]
    with page.expect_response("**/traces?*exclude=status*"):
        page.reload()
    expect(page.get_by_role("link", name="The traces of this window")).to_be_visible()
    expect(link).to_have_count(0)


def test_an_incident_says_what_the_author_of_its_monitor_wrote(opened: Opened, ui_api: FakeApi) -> None:
    window = {"since": "2026-11-21T08:00:00Z", "until": "2026-11-21T08:15:00Z"}
    said = "Look which tool fails.\nRunbook: https://wiki.example.com/orders."
    seen = {"monitor": "errors", "metric": "error_rate", "filter": {}, "group_by": None, "description": said}
    ui_api.world.incidents[1] |= {
        "kind": "monitor_threshold",
        "evidence": seen | {"window": window, "n": 80, "value": 0.1, "unit": "share", "details": {"ci": [0.05, 0.18]}},
    }
    page = opened(f"/incidents/{an_id('inc', 2)}")
    expect(page.get_by_text("Look which tool fails.")).to_have_count(1)
    link = page.get_by_role("link", name="https://wiki.example.com/orders")
    expect(link).to_have_attribute("href", "https://wiki.example.com/orders")
    expect(page.get_by_role("region", name="Evidence")).to_contain_text("5 % to 18 %")
    expect(page.get_by_role("heading", name="Details")).to_have_count(0)


def test_an_incident_of_several_lines_leads_to_what_each_finds(opened: Opened, ui_api: FakeApi) -> None:
    window = {"since": "2026-11-21T08:00:00Z", "until": "2026-11-21T08:15:00Z"}
    seen = {"group": None, "group_by": None, "metric": "requests", "filter": {"search": ["refund", "latency>3s"]}}
    ui_api.world.incidents[1] |= {
        "kind": "monitor_threshold",
        "evidence": seen | {"monitor": "slow", "window": window, "n": 80, "value": 80, "unit": "count"},
    }
    page = opened(f"/incidents/{an_id('inc', 2)}")
    expect(page.get_by_role("link", name="The traces of this window")).to_have_count(2)
    expect(page.get_by_role("region", name="Evidence")).to_contain_text("search: “refund” or “latency>3s”")
    page.get_by_role("link", name="latency>3s").click()
    expect(page).to_have_url(re.compile(r"/traces[?]q=latency%3E3s&since=2026-11-21T08.*&until=2026"))


@pytest.mark.parametrize(("days", "drawn"), [(0, 1), (8, 0)], ids=["new", "past"])
def test_an_incident_shows_the_week_of_its_monitor(opened: Opened, ui_api: FakeApi, days: int, drawn: int) -> None:
    window = {"since": at(days=days, minutes=20), "until": at(days=days, minutes=5)}
    seen = {"group": None, "group_by": None, "metric": "error_rate", "filter": {}, "monitor": "error-rate"}
    evidence = seen | {"value": 0.081, "bound": 0.05, "unit": "share", "n": 640, "window": window}
    ui_api.world.incidents[1] |= {
        "kind": "monitor_threshold",
        "subject": an_id("mon", 2),
        "evidence": evidence,
    }
    page = opened(f"/incidents/{an_id('inc', 2)}")
    expect(page.get_by_role("region", name="Evidence")).to_contain_text("8.1 %")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("img", name="The past 7 days: all, alert above")).to_have_count(drawn)


def test_the_evidence_of_a_monitor_without_groups_has_none(opened: Opened, ui_api: FakeApi) -> None:
    window = {"since": "2026-11-21T08:00:00.413794Z", "until": "2026-11-21T08:15:00.413794Z"}
    seen = {"group": None, "group_by": None, "metric": "latency", "filter": {"kind": ["llm"]}, "monitor": "slow"}
    numbers = {"expected": None, "bound": 2000, "value": 3412.4, "unit": "ms", "n": 80, "details": {}, "window": window}
    incident = {"kind": "monitor_threshold", "subject": an_id("mon", 2), "evidence": seen | numbers}
    ui_api.world.incidents[1] |= incident
    page = opened(f"/incidents/{an_id('inc', 2)}")
    evidence = page.get_by_role("region", name="Evidence")
    expect(evidence).to_contain_text("3.41 s")
    expect(evidence).to_contain_text("Only")
    expect(evidence.locator("time").first).to_be_visible()
    for odd in ("Group", "Expected", "Details", "413794", "{"):  # of all together, by a line: neither is unknown
        expect(evidence).not_to_contain_text(odd)
    page.get_by_role("main").get_by_role("link", name="slow", exact=True).click()
    expect(page).to_have_url(re.compile(f"/monitors/{an_id('mon', 2)}$"))


def test_everything_is_silenced_and_a_silence_is_ended(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/monitors?tab=silences")
    expect(page.get_by_text("No silences")).to_be_visible()
    page.get_by_role("button", name="Silence…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("the database moves")
    dialog.get_by_role("button", name="Silence").click()
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("everything")
    row.get_by_role("button", name="End the silence: the database moves").click()
    expect(page.get_by_text("No silences")).to_be_visible()
    assert [call[:2] for call in ui_api.received] == [("POST", "/silences"), ("DELETE", f"/silences/{an_id('sil', 1)}")]
    assert ui_api.received[0][2] == {"minutes": 120, "reason": "the database moves"}, "by the server's clock"


def test_a_silence_comes_again_every_weekend(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/monitors?tab=silences&do=silence")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("the nightly load")
    dialog.get_by_role("combobox", name="For").or_(dialog.get_by_role("textbox", name="For")).click()
    page.get_by_role("option", name="again and again").click()
    expect(dialog.get_by_role("button", name="Silence")).to_be_disabled()
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri"):
        dialog.get_by_label(day).uncheck()
    dialog.get_by_label("From").fill("22:00")
    dialog.get_by_label("Until").fill("04:00")
    zone = dialog.get_by_role("combobox", name="Time zone").or_(dialog.get_by_role("textbox", name="Time zone"))
    zone.click()
    zone.fill("Berlin")
    page.get_by_role("option", name="Europe/Berlin").click()
    dialog.get_by_role("button", name="Silence").click()
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("Sat, Sun 22:00–04:00 Europe/Berlin")
    expect(row).to_contain_text("ended by hand")
    repeats = {"days": ["sat", "sun"], "from": "22:00", "until": "04:00", "time_zone": "Europe/Berlin"}
    assert ui_api.received == [("POST", "/silences", {"repeats": repeats, "reason": "the nightly load"})]


def test_a_silence_says_to_the_second_when_it_is(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/monitors?tab=silences&do=silence")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("the database moves")
    dialog.get_by_role("button", name="Silence").click()
    row = page.locator("tbody tr").first
    expect(row).to_contain_text(re.compile(r"once, from \d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC"))
    expect(row.locator("time").last).to_have_text(re.compile(r"\d\d:\d\d:\d\d UTC$"))


def test_a_monitor_says_in_truth_who_is_told(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.addresses = some_addresses()
    ui_api.world.addresses[1]["enabled"] = False
    page = opened(f"/monitors/{an_id('mon', 2)}")
    tells = page.locator(".facts div").filter(has_text="Notifies").locator("dd")
    expect(tells).to_have_text("everybody")
    monitor = next(one for one in ui_api.world.monitors if one["id"] == an_id("mon", 2))
    monitor["notify"] = ["gone"]
    page.reload()
    expect(tells).to_have_text("gone (missing): everyone is notified")
    monitor["notify"] = ["night"]
    page.reload()
    expect(tells).to_have_text("night (turned off): nobody is notified")


def test_a_link_to_a_tab_that_there_is_not_shows_what_is_watched(opened: Opened) -> None:
    page = opened("/monitors?tab=nonsense")
    expect(page.get_by_role("tab", name="Monitors")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("table", name="Monitors")).to_be_visible()


def test_messages_are_narrowed_to_those_that_failed(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.addresses = some_addresses()
    page = opened("/monitors?tab=messages")
    messages = page.get_by_role("table", name="Messages, newest first").locator("tbody tr")
    expect(messages).to_have_count(2)
    sent = messages.filter(has_text="Sent")
    expect(sent.get_by_role("cell", name="2", exact=True)).to_be_visible()  # one try failed, one did not
    page.get_by_role("button", name="Status").click()
    page.get_by_role("menuitem", name="failed").click()
    expect(messages).to_have_count(1)
    expect(messages.first).to_contain_text("night")
    expect(page).to_have_url(re.compile("status=failed"))


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
    expect(page.get_by_text("mail was notified in 41 ms.")).to_be_visible()
    assert "hunter2" not in page.content()


def test_a_viewer_changes_nothing_and_an_empty_project_learns(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.role = "viewer"
    page = opened(f"/monitors/{an_id('mon', 2)}")
    expect(page.get_by_text("Checked every")).to_be_visible()
    expect(page.get_by_role("button", name="Silence")).to_have_count(0)
    ui_api.world = World()
    page.get_by_role("link", name="Monitors").first.click()
    expect(page.locator(".state h2")).to_have_text("No monitors yet")


def _changes(ui_api: FakeApi) -> list[tuple[str, str, Json]]:
    """What was sent but previews, which may still come after a change."""
    return [call for call in ui_api.received if call[1] != "/monitors/preview"]
