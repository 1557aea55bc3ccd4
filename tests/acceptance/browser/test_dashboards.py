"""What people do with dashboards: look, follow a number, compare, send a link, and make their own."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.fakes.ui_api import FakeApi
from tests.fakes.ui_world import World

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]


def test_the_list_says_what_each_answers(opened: Opened) -> None:
    page = opened("/dashboards")
    expect(page.locator(".lead")).to_contain_text("5 dashboards included")
    page.get_by_role("link", name="Performance").click()
    expect(page).to_have_url(re.compile("/dashboards/performance"))
    expect(page.get_by_role("heading", name="Performance")).to_be_visible()


def test_a_number_has_its_n_and_interval_and_leads_to_its_traces(opened: Opened) -> None:
    page = opened("/dashboards/performance?range=24h")
    rate = page.get_by_role("region", name="Error rate of model calls")
    expect(rate).to_contain_text("4 %")
    expect(rate).to_contain_text("n 1,200 · 3.2 % to 5.2 %")
    rate.get_by_title("The traces behind this").click()
    expect(page).to_have_url(re.compile("/traces[?]since=.*until=.*q=kind%3Allm"))


def test_a_chart_has_its_figures_as_a_table_too(opened: Opened) -> None:
    page = opened("/dashboards/performance?range=24h")
    errors = page.get_by_role("region", name="Error rate by model", exact=True)
    expect(errors.locator(".chart svg")).to_be_visible()
    expect(errors).to_contain_text("bins of 1 h, UTC")
    expect(errors).to_contain_text("incomplete (dashed) · 95 % intervals in the figures")
    errors.get_by_text("Figures", exact=True).click()
    first = errors.get_by_role("row").nth(1)
    expect(first).to_contain_text("n 50")
    expect(first.get_by_role("link").first).to_have_attribute("href", re.compile("model=gpt-5"))


def test_the_address_holds_range_variables_and_comparison(opened: Opened) -> None:
    page = opened("/dashboards/cost?range=7d")
    page.get_by_label("Compare with previous period").check()
    expect(page).to_have_url(re.compile("range=7d.*compare=1"))
    expect(page.get_by_role("region", name="Spent")).to_contain_text("+25 % vs the previous period ($0.96, n 1,200)")
    expect(page.get_by_role("region", name="Spent")).to_contain_text("17 unknown")
    page.get_by_role("button", name="model").click()
    page.get_by_role("menuitem").first.click()
    expect(page).to_have_url(re.compile("model="))


def test_a_whole_dashboard_is_narrowed_by_a_line_of_the_list(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/dashboards/performance?range=24h")
    line = page.get_by_role("combobox", name="Only traces that match this search")
    with page.expect_response("**/panels/query"):
        line.fill("user:u12 late")
        page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"search=user%3Au12\+late"))
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    asked = [body["filter"] for _, path, body in ui_api.received if path == "/panels/query"]
    assert asked[-1] == {"search": "user:u12 late"}
    for wrong, why in (("latency>soon", "has a unit"), ("late since:2d", "Remove since:2d")):
        line.fill(wrong)
        page.keyboard.press("Enter")
        expect(page.get_by_text(why)).to_be_visible()
        expect(page.locator(".panels")).to_have_count(0)
    line.fill("")
    page.keyboard.press("Enter")
    expect(page.locator(".panels")).to_be_visible()


def test_a_panel_says_what_it_is_narrowed_to(opened: Opened) -> None:
    page = opened("/dashboards/performance?range=24h")
    page.get_by_role("button", name="About Model calls", exact=True).hover()
    expect(page.get_by_role("tooltip")).to_contain_text("Only kind: llm.")


def test_questions_by_words_become_those_by_meaning(opened: Opened, ui_url: str) -> None:
    page = opened("/connect")
    coming = iter([True, False])

    def answer(route: Route) -> None:
        given = route.fetch()
        told = given.json()
        if told["type"] == "questions" and next(coming):
            told["coming"] = True
        elif told["type"] == "questions":
            told["method"] = "meaning (a model)"
        route.fulfill(response=given, json=told)

    page.route("**/api/v1/panels/query", answer)
    page.goto(f"{ui_url}/dashboards/usage")
    panel = page.get_by_role("region", name="Most common questions")
    expect(panel).to_contain_text("Grouped by words (TF-IDF). Grouping by meaning…")
    expect(panel).to_contain_text("Grouped by meaning (a model).")


def test_a_corrected_rate_says_what_it_stands_on(opened: Opened) -> None:
    page = opened("/dashboards/quality")
    expect(page.get_by_role("region", name="Hallucination rate").locator(".lead")).to_contain_text(
        "by 120 labels of people"
    )


def test_a_panel_is_added_and_saved(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/dashboards/performance")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("button", name="Remove Slowest steps").click()
    page.get_by_role("button", name="Add a panel").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Cost by team")
    dialog.get_by_role("combobox", name="Metric 1").click()
    page.get_by_role("option", name="cost", exact=True).click()
    dialog.get_by_role("combobox", name="Field").focus()
    page.keyboard.type("attribute:http.route")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # the focus stays in the row whose field was chosen
    page.keyboard.press("Tab")
    page.keyboard.type("/chat")
    dialog.get_by_role("button", name="Add a filter").click()
    dialog.get_by_role("combobox", name="Whether kind is or is not").click()
    page.get_by_role("option", name="is not").click()
    dialog.get_by_role("combobox", name="Values of kind").fill("tool")
    page.keyboard.press("Enter")
    dialog.get_by_role("combobox", name="Group by").fill("tag:team")
    page.get_by_role("option", name="tag:team", exact=True).click()
    expect(dialog.get_by_role("region", name="Cost by team")).to_contain_text("n ")
    dialog.get_by_role("button", name="Add it").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Performance is saved.")).to_be_visible()
    [sent] = [body for method, path, body in ui_api.received if (method, path) == ("PUT", "/dashboards/performance")]
    added = sent["panels"][-1]
    assert (added["id"], added["metrics"]) == ("cost-by-team", [{"name": "cost"}])
    assert (added["group_by"], added["filter"]) == ("tag:team", {"attribute:http.route": ["/chat"], "-kind": ["tool"]})
    assert "Slowest steps" not in [one["title"] for one in sent["panels"]]


def test_leaving_a_draft_asks_first_however_one_leaves(opened: Opened) -> None:
    page = opened("/dashboards/usage")
    page.get_by_role("button", name="Edit", exact=True).click()
    title = page.get_by_role("textbox", name="Title")
    title.fill("Mine")
    dialog = page.get_by_role("dialog", name="Leave without saving?")
    page.go_back()
    expect(dialog).to_contain_text("Your changes to this dashboard are not saved")
    dialog.get_by_role("button", name="Stay").click()
    expect(title).to_have_value("Mine")
    page.get_by_role("link", name="Traces", exact=True).click()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    page.get_by_role("button", name="Discard").click()
    expect(dialog).to_have_count(0)
    expect(page).to_have_url(re.compile("/dashboards/usage$"))


def test_names_for_a_panels_sql_are_left_by_escape_and_the_panel_stays(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/dashboards/usage")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("button", name="Add a panel").click()
    panel = page.get_by_role("dialog", name="Add a panel")
    panel.get_by_text("SQL", exact=True).click()
    field = panel.get_by_role("textbox", name="SQL")
    expect(field).to_contain_text("time_bucket({bin}, start)")
    field.fill("")
    field.press_sequentially("SELECT trace_i")
    expect(page.get_by_role("listbox").get_by_role("option").first).to_contain_text("trace_id")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(panel).to_be_visible()
    expect(field).to_have_text("SELECT trace_i")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Leave without saving?")).to_be_visible()


def test_closing_a_panel_that_was_changed_asks_first(opened: Opened) -> None:
    page = opened("/dashboards/usage")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("button", name="Add a panel").click()
    panel = page.get_by_role("dialog", name="Add a panel")
    expect(panel.get_by_label("Title")).to_be_focused()
    page.keyboard.press("Escape")  # nothing to lose
    expect(panel).to_have_count(0)
    page.get_by_role("button", name="Add a panel").click()
    panel.get_by_label("Title").fill("Cost by team")
    page.keyboard.press("Escape")
    dialog = page.get_by_role("dialog", name="Leave without saving?")
    expect(dialog).to_contain_text("Your changes to this panel are not saved")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(panel.get_by_label("Title")).to_have_value("Cost by team")
    page.go_back()  # away from the page, with the panel half done
    expect(dialog).to_contain_text("this dashboard")
    page.keyboard.press("Escape")  # heard by what is asked, not by the panel below it
    expect(dialog).to_have_count(0)
    expect(panel.get_by_label("Title")).to_have_value("Cost by team")
    expect(dialog).to_have_count(0)
    page.go_back()
    dialog.get_by_role("button", name="Stay").click()
    panel.get_by_role("button", name="Cancel").click()
    dialog.get_by_role("button", name="Discard changes").click()
    expect(panel).to_have_count(0)


def test_two_who_save_do_not_overwrite_each_other(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/dashboards/usage?edit=1")
    title = page.get_by_role("textbox", name="Title")
    title.fill("Mine")
    other = opened("/dashboards/usage?edit=1")
    other.get_by_role("textbox", name="Title").fill("Theirs")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.get_by_text("Theirs is saved.")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("This dashboard was saved by mara.")
    expect(title).to_have_value("Mine")
    page.get_by_role("button", name="Discard my draft and show the saved version").click()
    expect(page.get_by_role("heading", name="Theirs")).to_be_visible()


def test_yaml_is_read_into_the_draft(opened: Opened) -> None:
    page = opened("/dashboards/cost?edit=1&tab=yaml")
    field = page.get_by_role("textbox", name="YAML")
    expect(field).to_have_value(re.compile("title: Cost"))
    field.fill("title: From git\npanels: []")
    page.get_by_role("button", name="Read it").click()
    title = page.get_by_role("textbox", name="Title")
    expect(title).to_have_value("From git")
    title.fill("Typed")
    page.get_by_role("tab", name="YAML").click()
    expect(field).to_have_value(re.compile("title: Typed"))


def test_yaml_of_another_name_is_refused_and_stays(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/dashboards/cost?edit=1&tab=yaml")
    field = page.get_by_role("textbox", name="YAML")
    field.fill("name: other\ntitle: From git\npanels: []")
    page.get_by_role("button", name="Save", exact=True).click()
    told = "This dashboard calls itself 'other', and would be saved as 'cost'. It stands in line 1."
    expect(page.get_by_role("alert")).to_contain_text(told)
    expect(field).to_have_value(re.compile("name: other"))
    assert not [call for call in ui_api.received if call[0] == "PUT"]
    field.fill("name: cost\ntitle: From git\npanels: []")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("From git is saved.")).to_be_visible()


def test_yaml_that_was_not_read_is_saved_too(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/dashboards/cost?edit=1&tab=yaml")
    page.get_by_role("textbox", name="YAML").fill("title: From git\npanels: []")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("From git is saved.")).to_be_visible()
    assert next(call for call in ui_api.received if call[0] == "PUT")[2]["title"] == "From git"


def test_a_title_that_is_too_long_is_told_while_it_is_typed_and_not_cut(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/dashboards?do=new")
    title = page.get_by_role("dialog").get_by_label("Title")
    told = page.get_by_text("Allowed: up to 200 characters. These are 201.")
    title.fill("a" * 200)
    expect(told).to_have_count(0)
    title.press_sequentially("b")
    expect(told).to_be_visible()
    expect(title).to_have_value("a" * 200 + "b")
    title.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert not [call for call in ui_api.received if call[0] == "PUT"]


def test_a_title_in_any_script_makes_a_dashboard(opened: Opened) -> None:
    page = opened("/dashboards?do=new")
    title = page.get_by_role("dialog").get_by_label("Title")
    title.fill("Über alles")
    expect(page.get_by_role("dialog")).to_contain_text("/dashboards/uber-alles")
    title.fill("コスト 🎛️")
    page.get_by_role("button", name="Create").click()
    expect(page).to_have_url(re.compile("/dashboards/dashboard-1[?]edit=1"))


def test_a_new_one_begins_empty_and_a_viewer_makes_none(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/dashboards?do=new")
    page.get_by_role("dialog").get_by_label("Title").fill("Support team")
    page.get_by_role("button", name="Create").click()
    expect(page).to_have_url(re.compile("/dashboards/support-team[?]edit=1"))
    ui_api.world.role = "viewer"
    page = opened("/dashboards")
    expect(page.get_by_role("link", name="Support team")).to_be_visible()
    expect(page.get_by_role("button", name="New dashboard")).to_have_count(0)


def test_without_traffic_panels_say_so(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world = World()
    page = opened("/dashboards/quality")
    expect(page.get_by_role("region", name="Toxicity")).to_contain_text("n 0. The mean toxicity score")


def test_the_panel_editor_gives_the_focus_back(opened: Opened) -> None:
    page = opened("/dashboards/performance?edit=1")
    button = page.get_by_role("button", name="Edit Model calls")
    button.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("button", name="Done")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()


def test_a_dialog_that_asks_for_a_name_gives_the_focus_back(opened: Opened) -> None:
    page = opened("/dashboards")
    button = page.get_by_role("button", name="New dashboard")
    button.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()


def test_a_number_without_data_says_so_and_its_n(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world = World()
    page = opened("/dashboards/performance")
    calls = page.get_by_role("region", name="Model calls", exact=True)
    expect(calls.locator(".big strong")).to_have_text("0")
    expect(calls).to_contain_text("n 0")
    rate = page.get_by_role("region", name="Error rate of model calls")
    expect(rate.locator(".big strong")).to_have_text("no data")
    expect(rate).to_contain_text("n 0")
