"""One trace more closely: its graph, tokens, loop, retries, pictures, another trace beside it, copies; 10,000 spans."""

import base64
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.fakes.ui_agent import AGENT, EARLIER, NAME, SOUND
from tests.fakes.ui_api import FakeApi
from tests.fakes.ui_world import DEEP, World, an_id, at, trace_id

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]
LONG = 30_000  # the fake writes 10,000 spans in the same process that turns the pages


def _answer(body: dict[str, Any], route: Route) -> None:
    route.fulfill(json=body)


def _refuse(document: dict[str, Any], route: Route) -> None:
    route.fulfill(status=document["status"], json=document)


def span_of(week: World, trace: str, name: str, number: int = 0) -> str:
    return str([span["span_id"] for span in week.spans[trace] if span["name"] == name][number])


def test_a_step_of_the_graph_leads_to_its_spans(opened: Opened) -> None:
    page = opened(f"/traces/{AGENT}?tab=graph")
    expect(page.get_by_text("decide takes the most time of its own")).to_be_visible()
    node = page.get_by_role("button", name=re.compile("^check_price: show 4 calls"))
    expect(node).to_be_visible()
    expect(page.locator(".graph title").filter(has_text="check_price was followed by decide 3 times")).to_have_count(1)
    node.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("node=n"))
    expect(page.get_by_role("treeitem")).to_have_count(4)
    expect(page.get_by_role("treeitem").first).to_contain_text("check_price")
    page.get_by_role("button", name="Show all steps").click()
    expect(page.get_by_role("treeitem")).to_have_count(19)


def test_the_graph_stands_in_a_table_too(opened: Opened) -> None:
    page = opened(f"/traces/{AGENT}?tab=graph")
    rows = page.get_by_role("table", name="Steps of the graph").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("decide")
    expect(rows.filter(has_text="search_trains")).to_contain_text("1 retry")
    page.get_by_text("Order of steps").click()
    edges = page.get_by_role("table", name="Edges of the graph").get_by_role("row")
    expect(edges.filter(has_text="decidewas followed bycheck_price")).to_contain_text("4")


def test_a_loop_is_told_and_its_first_cycle_is_one_click_away(opened: Opened, week: World) -> None:
    page = opened(f"/traces/{AGENT}")
    banner = page.get_by_role("status").filter(has_text="A loop")
    expect(banner).to_contain_text("check_price was called 4 times with the same arguments")
    banner.get_by_role("button").click()
    expect(page).to_have_url(re.compile(span_of(week, AGENT, "check_price")))
    rows = page.get_by_role("treeitem")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("first cycle")
    expect(page.get_by_role("treeitem", selected=True)).to_contain_text("first cycle")
    page.goto(page.url.split("/traces/", maxsplit=1)[0] + f"/traces/{EARLIER}")
    expect(page.get_by_role("tree")).to_be_visible()
    expect(page.get_by_text("A loop")).to_have_count(0)


def test_a_trace_says_which_scores_are_not_shown(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.agents = [{**row, "scores_left_out": 95_000} for row in ui_api.world.agents]
    page = opened(f"/traces/{AGENT}?tab=scores")
    expect(page.get_by_role("tab", name="Scores 95,001")).to_be_visible()
    expect(page.get_by_text("the newest 1 of 95,001 scores, with those of end users last")).to_be_visible()
    page.get_by_role("link", name="Means of all, in SQL").click()
    expect(page).to_have_url(re.compile(r"/sql\?q=SELECT.*trace_id"))


def test_what_came_with_a_score_beside_its_value_is_shown(opened: Opened) -> None:
    """A correction, the fields of another tool's client: they stood in the raw trace alone."""
    page = opened(f"/traces/{AGENT}?tab=scores")
    scores = page.get_by_role("table", name="Scores")
    expect(scores.get_by_text("first_cycle")).not_to_be_visible()
    scores.get_by_text("4 more fields").click()
    expect(scores.get_by_text("first_cycle")).to_be_visible()


def test_scores_given_by_a_key_leave_room_for_their_reasons(opened: Opened, ui_api: FakeApi) -> None:
    """The key's whole id stood there, and pushed the reason and *Take back* out of the panel and the page."""
    said = {"name": "helpful", "source": "human", "value": 0.75, "trace_id": AGENT, "span_id": None, "time": at()}
    none = dict.fromkeys(("label", "error", "session", "version"))
    key = "key:key_01m8pt69fn05pcgzdj57p9xfga"
    ui_api.given = [{**none, **said, "id": "scr_1", "author": key, "reason": "as they said", "metadata": {"a": 1}}]
    page = opened(f"/traces/{AGENT}?tab=scores")
    scores = page.get_by_role("table", name="Scores")
    expect(scores.get_by_text("key 01m8…xfga")).to_have_attribute("title", key)
    expect(scores.get_by_text("as they said")).to_be_in_viewport()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_person_scores_a_trace_with_the_keyboard_alone(opened: Opened, ui_api: FakeApi) -> None:
    page = opened(f"/traces/{AGENT}?tab=scores")
    expect(page.get_by_role("table", name="Scores")).to_be_visible()
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Score:")
    expect(dialog.get_by_role("combobox", name="What is judged")).to_be_focused()
    expect(dialog.get_by_role("button", name="Save score")).to_be_disabled()
    page.keyboard.type("tool_loop")
    expect(dialog.get_by_text("Yours is added beside it")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(dialog.get_by_role("radio", name="Yes, 1")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("it asks for the same price")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="it asks for the same price")).to_contain_text("by a person")
    said = {"trace_id": AGENT, "name": "tool_loop", "value": 1, "source": "human"}
    assert ui_api.received[-1] == ("POST", "/scores", {**said, "reason": "it asks for the same price"})
    page.keyboard.press("s")
    expect(dialog.get_by_role("combobox", name="What is judged")).to_have_value("tool_loop")


def test_ones_own_score_is_taken_back_and_nobody_elses(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.role = "editor"
    page = opened(f"/traces/{AGENT}?tab=scores")
    expect(page.get_by_role("row", name=re.compile("tool loop"))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Take back"))).to_have_count(0)
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Score:")
    dialog.get_by_role("combobox", name="What is judged").fill("polite")
    dialog.get_by_role("radio", name="Yes, 1").click()
    dialog.get_by_role("button", name="Save score").click()
    page.get_by_role("button", name="Take back… polite").click()
    asked = page.get_by_role("dialog", name="Take polite back")
    expect(asked).to_contain_text("polite: 1.000, by a person (user:mara)")
    asked.get_by_role("button", name="Take it back").click()
    expect(asked).to_have_count(0)
    expect(page.get_by_role("row", name=re.compile("polite"))).to_have_count(0)
    assert ui_api.received[-1][:2] == ("DELETE", "/scores/scr_given0")


def test_a_person_scores_one_span(opened: Opened, ui_api: FakeApi, week: World) -> None:
    span = span_of(week, AGENT, "check_price")
    page = opened(f"/traces/{AGENT}?span={span}")
    page.get_by_role("region", name="Span check_price").get_by_role("button", name="Score…").click()
    dialog = page.get_by_role("dialog", name="Score: check_price")
    dialog.get_by_role("combobox", name="What is judged").fill("polite")
    dialog.get_by_role("radio", name="A label").click()
    expect(dialog.get_by_role("button", name="Save score")).to_be_disabled()
    dialog.get_by_role("textbox", name="Label").fill("rude")
    ui_api.failing = {"/scores": 503}
    dialog.get_by_role("button", name="Save score").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    expect(dialog.get_by_role("textbox", name="Label")).to_have_value("rude")
    ui_api.failing = {}
    dialog.get_by_role("button", name="Save score").click()
    shown = page.get_by_role("region", name="Span check_price")
    expect(shown.get_by_role("table", name="Scores")).to_contain_text("rude")
    told = {"trace_id": AGENT, "span_id": span, "name": "polite", "label": "rude", "source": "human"}
    assert ui_api.received[-1] == ("POST", "/scores", told)


def test_retries_and_the_critical_path_are_marked(opened: Opened) -> None:
    page = opened(f"/traces/{AGENT}?path=1")
    second = page.get_by_role("treeitem").filter(has_text="2nd attempt")
    expect(second).to_have_count(1)
    expect(second).to_contain_text("search_trains")
    critical = page.get_by_role("treeitem").filter(has_text="on the critical path")
    expect(critical.filter(has_text="2nd attempt")).to_have_count(1)
    expect(critical.filter(has_text="weather")).to_have_count(0)
    second.click()
    expect(page.get_by_role("region", name="Span search_trains")).to_contain_text("2nd attempt")


def test_spans_are_found_by_words_and_by_error_in_the_address(opened: Opened) -> None:
    page = opened(f"/traces/{AGENT}")
    page.get_by_label("Find spans by name").fill("tool train")
    expect(page.get_by_role("treeitem")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"find=tool\+train"))
    page.get_by_role("button", name="errors").click()
    expect(page.get_by_role("treeitem")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("treeitem")).to_have_count(1)
    expect(page.get_by_text("1 span of 19")).to_be_visible()


def test_a_link_to_a_span_that_is_not_there_says_so(opened: Opened) -> None:
    page = opened(f"/traces/{AGENT}?span=00000000000000aa")
    note = page.get_by_role("status").filter(
        has_text="The link points to span 00000000000000aa, which is not in this trace"
    )
    expect(note).to_be_visible()
    page.get_by_role("treeitem").nth(1).click()
    expect(note).to_have_count(0)


def test_messages_hold_pictures_reasoning_and_results_with_their_calls(opened: Opened, week: World) -> None:
    page = opened(f"/traces/{AGENT}?span={span_of(week, AGENT, 'plan')}")
    detail = page.get_by_role("region", name="Span plan")
    picture = detail.get_by_role("img", name="Part of the message, image/png")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 96
    expect(detail).to_contain_text("lies elsewhere and is not fetched")  # the fixture fails on requests to other sites
    expect(detail.get_by_text("The traveller wants a price ceiling")).to_have_count(0)
    detail.get_by_text("Reasoning,").click()
    expect(detail.get_by_text("The traveller wants a price ceiling")).to_be_visible()
    page.get_by_role("treeitem").filter(has_text="decide").first.click()
    call = page.locator(".detail details.call").first
    expect(call).to_contain_text("→ [{")
    call.locator("summary").click()
    expect(call.get_by_text("Result")).to_be_visible()
    expect(page.get_by_role("article", name="tool message")).to_have_count(0)


def test_files_beside_the_messages_are_attached(opened: Opened, week: World) -> None:
    page = opened(f"/traces/{AGENT}?span={span_of(week, AGENT, 'answer')}")
    attached = page.get_by_role("region", name="Attached")
    expect(attached.get_by_role("img", name="Part of the message, image/png")).to_be_visible()
    expect(attached).to_contain_text("application/pdf, whose content never arrived")
    page.get_by_role("treeitem").filter(has_text="plan").last.click()
    expect(page.get_by_role("region", name="Span plan")).to_be_visible()
    expect(attached).to_have_count(0)


def test_documents_say_how_old_they_were(opened: Opened, week: World) -> None:
    page = opened(f"/traces/{AGENT}?span={span_of(week, AGENT, 'find documents')}")
    documents = page.get_by_role("region", name="Retrieved").get_by_role("listitem")
    expect(documents.nth(0)).to_contain_text(re.compile(r"updated at \d+ (days|months) before"))
    expect(documents.nth(1)).to_contain_text(re.compile(r"updated at \d years before"))
    expect(documents.nth(2)).to_contain_text("age unknown")
    page.goto(page.url.split("?", maxsplit=1)[0].replace(AGENT, trace_id(1)))
    page.get_by_role("treeitem").filter(has_text="retrieve policies").click()
    expect(page.get_by_role("region", name="Retrieved")).to_contain_text(
        re.compile(r"index of \d+ (hours|days) before")
    )


def test_what_changed_in_the_prompt_is_one_click_away(opened: Opened, week: World) -> None:
    page = opened(f"/traces/{AGENT}?span={span_of(week, AGENT, 'plan')}")
    page.get_by_text("Prompt journey v3: what changed from v2").click()
    expect(page.locator(".detail ins")).to_contain_text("never guess a price")
    page.locator(".detail").get_by_role("link", name="diff to v2").click()
    expect(page).to_have_url(re.compile(f"/releases/{an_id('rel', 3)}.*against={an_id('rel', 2)}"))


def test_tokens_are_told_by_section_call_and_repetition(opened: Opened) -> None:
    page = opened(f"/traces/{AGENT}?tab=tokens")
    expect(page.get_by_text("had been sent before")).to_be_visible()
    expect(page.get_by_role("region", name="By part of the prompt").get_by_role("listitem").first).to_contain_text(
        "42 %"
    )
    page.get_by_text("added 400 from search_trains").click()
    expect(page.get_by_role("link", name="search_trains")).to_have_attribute("href", re.compile("span="))
    expect(page.get_by_role("table", name="Texts that were sent more than once")).to_contain_text("unknown")
    page.goto(page.url.replace(AGENT, DEEP))
    expect(page.get_by_text("No model calls in this trace")).to_be_visible(timeout=LONG)


def test_two_traces_are_compared_span_by_span(opened: Opened, week: World) -> None:
    page = opened(f"/traces/compare?a={EARLIER}&b={AGENT}")
    expect(page.get_by_text("6 spans only in the second")).to_be_visible()
    expect(page.locator(".pair-row")).not_to_have_count(0)
    page.locator(".pair-row").filter(has_text="answer").first.get_by_role("button").click()
    expect(page).to_have_url(re.compile("pair="))
    expect(page.locator(".words ins").filter(has_text="ARoS opens at 10")).to_have_count(1)
    expect(page.locator(".words del").filter(has_text="Den Gamle By")).to_have_count(1)
    page.get_by_role("button", name="only what differs").click()
    expect(page.locator(".pair-row").filter(has_text="rerank")).to_have_count(0)
    page.get_by_role("button", name="Swap").click()
    expect(page.get_by_text("6 spans only in the first")).to_be_visible()
    page.goto(page.url.split("?", maxsplit=1)[0])
    expect(page.get_by_text("Select two traces in the list")).to_be_visible()


def test_a_pair_says_why_a_span_failed(opened: Opened, week: World) -> None:
    failed = next(span for span in week.spans[AGENT] if span["status_message"])
    page = opened(f"/traces/compare?a={EARLIER}&b={AGENT}")
    expect(page.locator(".pair-row")).not_to_have_count(0)
    expect(page.get_by_text(failed["status_message"])).to_have_count(0)
    page.locator(".pair-row").filter(has_text=failed["name"]).first.get_by_role("button").click()
    expect(page.locator(".notice.bad").filter(has_text=failed["status_message"])).to_have_count(2)  # in both


def test_a_trace_leads_to_one_beside_it(opened: Opened) -> None:
    page = opened(f"/traces/{AGENT}")
    page.get_by_role("button", name="Compare").click()
    page.get_by_label("With another, by its id").fill(EARLIER.upper())
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"a={EARLIER}&b={AGENT}"))
    expect(page.get_by_role("heading", name=f"{NAME}, twice")).to_be_visible()


def test_steps_name_the_bottleneck_and_lead_to_the_slowest_calls(opened: Opened, week: World) -> None:
    page = opened("/steps")
    rows = page.get_by_role("table", name="Steps, most time first").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("search_trainsbottleneck")
    expect(rows.filter(has_text="check_price")).to_contain_text("66 %")
    page.get_by_role("tab", name="Graph").click()
    expect(page.get_by_text("The graph shows one kind of trace. Choose one above.")).to_be_visible()
    page.get_by_role("tab", name="Table").click()
    page.locator("input[aria-label='Kind of trace']").click()
    page.get_by_role("option", name=NAME).click()
    expect(page).to_have_url(re.compile(r"name=plan\+a\+journey"))
    page.get_by_role("tab", name="Graph").click()
    expect(page.get_by_text("Over the newest 2 of 240 traces")).to_be_visible()
    page.get_by_role("tab", name="Table").click()
    rows.nth(1).get_by_role("link", name="3.86 s").click()
    expect(page).to_have_url(re.compile(f"{AGENT}.*span={week.spans[AGENT][3]['span_id']}"))


@pytest.mark.parametrize("width", [1280, 1024, 900])
def test_steps_keep_their_names_on_a_laptop(opened: Opened, width: int) -> None:
    page = opened("/steps")
    page.set_viewport_size({"width": width, "height": 800})
    names = page.locator("td.main-cell")
    expect(names.first).to_be_visible()
    assert names.first.bounding_box()["width"] >= 100  # type: ignore[index]
    assert page.locator(".table-wrap").evaluate("box => box.scrollWidth - box.clientWidth") <= 1


@pytest.mark.parametrize("width", [1280, 1024, 390])
def test_spans_keep_their_names_on_a_laptop(opened: Opened, ui_api: FakeApi, width: int) -> None:
    spans = ui_api.world.spans[AGENT]
    call = next(span for span in spans if span["cost"])
    for span, above in zip(spans[1:], spans, strict=False):
        span |= {"parent_id": above["span_id"], "tokens": call["tokens"], "cost": call["cost"]}
    page = opened(f"/traces/{AGENT}")
    page.set_viewport_size({"width": width, "height": 800})
    expect(page.get_by_role("treeitem").nth(9)).to_be_visible()
    widths = page.locator(".span-row .who > .cut").evaluate_all("all => all.map(one => one.clientWidth)")
    assert min(widths) >= 30


def test_long_names_make_no_page_wider_than_the_screen(opened: Opened, ui_api: FakeApi) -> None:
    world, long = ui_api.world, "orchestrate_the_conversation_of_a_customer_with_retrieval"
    for one in (span for trace in (AGENT, EARLIER) for span in world.spans[trace]):
        one |= {"name": f"{one['name']}_{long}", "prompt": f"support/{long}", "prompt_version": 3}
    for event in world.audit:
        event |= {"actor": f"user:{long}@example.com", "action": "notification_channel.update"}
    page = opened(f"/traces/compare?a={EARLIER}&b={AGENT}")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".section h2").filter(has_text=long)).to_be_visible()
    assert _wider(page) == []
    page.goto(page.url.split("/traces", maxsplit=1)[0] + f"/traces/{AGENT}")
    expect(page.locator(".fold").filter(has_text=long).first).to_be_visible()
    assert _wider(page) == []
    page.goto(page.url.split("/traces", maxsplit=1)[0] + "/audit")
    expect(page.get_by_role("button", name="notification").first).to_be_visible()
    assert _wider(page) == []


def test_what_was_done_stands_in_one_line_where_no_reason_is_told(opened: Opened, ui_api: FakeApi) -> None:
    for event in ui_api.world.audit:
        event |= {"reason": None, "action": "monitor.create", "subject": "mon_" + "0" * 26}
    page = opened("/audit")
    done = page.get_by_role("button", name="monitor.create").first
    expect(done).to_be_visible()
    assert done.evaluate("one => one.getClientRects().length === 1 && one.offsetHeight < 30")


def _wider(page: Page) -> list[str]:
    """What scrolls sideways: the page itself, or a table."""
    return page.locator(".main, .table-wrap").evaluate_all(  # type: ignore[no-any-return]
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.className)"
    )


def test_a_trace_that_took_no_time_has_one_tick(opened: Opened, ui_api: FakeApi) -> None:
    spans = ui_api.world.spans[AGENT]
    for span in spans:
        span |= {"start_ns": spans[0]["start_ns"], "latency_ms": 0}
    page = opened(f"/traces/{AGENT}")
    expect(page.get_by_role("treeitem").first).to_be_visible()
    expect(page.locator(".ticks span")).to_have_text(["0 ms"])


def test_what_has_no_name_can_be_read_and_opened(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.traces[0]["name"] = " "
    page = opened("/traces")
    page.get_by_role("link", name="without a name").click()
    expect(page).to_have_url(re.compile(f"/traces/{ui_api.world.traces[0]['trace_id']}"))


def test_a_picture_that_is_damaged_says_so(opened: Opened, ui_api: FakeApi) -> None:
    spans = ui_api.world.spans[AGENT]
    span = next(one for one in spans if one["kind"] == "llm")
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    span["input"] = [{"role": "user", "content": [picture]}]
    page = opened(f"/traces/{AGENT}?span={span['span_id']}")
    expect(page.get_by_text("cannot be shown: it is damaged, or no longer kept")).to_be_visible()


def test_sound_is_played_wherever_it_is_kept(opened: Opened, week: World, monkeypatch: pytest.MonkeyPatch) -> None:
    span = next(one for one in week.spans[AGENT] if one["name"] == "plan")
    said = {"type": "input_audio", "input_audio": {"data": base64.b64encode(SOUND).decode(), "format": "wav"}}
    kept = {"type": "text", "text": "@@@langfuseMedia:type=audio/wav|id=sound|source=bytes@@@"}
    monkeypatch.setitem(span, "input", [{"role": "user", "content": [said, kept]}])
    page = opened(f"/traces/{AGENT}?span={span['span_id']}")
    players = page.get_by_label("Part of the message, audio/wav")
    expect(players).to_have_count(2)
    for number in range(2):
        expect(players.nth(number)).to_have_js_property("duration", 2)


def test_a_call_is_put_into_a_golden_set_as_it_should_have_been_answered(
    opened: Opened, ui_api: FakeApi, week: World
) -> None:
    page = opened(f"/traces/{AGENT}?span={span_of(week, AGENT, 'answer')}")
    page.get_by_role("button", name="Dataset item").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Dataset").fill("golden")
    expect(dialog).to_contain_text("Creates a new version: v3")
    dialog.get_by_label("Expected").fill("The 07:56 for 249 kroner.")
    dialog.get_by_role("button", name="Put it in").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("golden v3 holds it")).to_be_visible()
    method, path, body = ui_api.received[-1]
    assert (method, path) == ("POST", "/datasets/golden/items")
    (item,) = body["items"]
    assert [message["role"] for message in item["input"]["messages"]][:2] == ["system", "user"]
    assert (item["expected"], item["source_span"]) == ("The 07:56 for 249 kroner.", span_of(week, AGENT, "answer"))


def test_a_viewer_reads_and_changes_nothing(opened: Opened, ui_api: FakeApi, week: World) -> None:
    ui_api.world.role = "viewer"
    page = opened(f"/traces/{AGENT}?span={span_of(week, AGENT, 'answer')}&do=dataset")
    page.get_by_role("dialog").get_by_label("Dataset").fill("golden")
    expect(page.get_by_role("button", name="Put it in")).to_be_disabled()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Score…")).to_have_count(0)
    page.keyboard.press("s")
    expect(page).not_to_have_url(re.compile("do="))


def test_a_call_is_a_test_to_take_along(opened: Opened, week: World) -> None:
    page = opened(f"/traces/{AGENT}?span={span_of(week, AGENT, 'answer')}")
    page.get_by_role("button", name="Test…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("client.chat.complete")
    dialog.get_by_role("button", name="Copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "MODEL = 'openai/gpt-4o-2024-11-20'" in copied
    compile(copied, "test_answer.py", "exec")


def test_texts_that_are_gone_say_why(opened: Opened, week: World) -> None:
    span = next(span for span in week.spans[EARLIER] if span["name"] == "answer")
    told = {
        "let_go": ({"let_go": {"at": span["start"], "kept_days": 30}}, "Text kept 30 days, deleted on"),
        "waiting": ({"content": "waiting"}, "once the sampling decision"),
        "sampled": ({"content": "sampled_out"}, "Sampling kept the times"),
    }
    page = opened(f"/traces/{EARLIER}")
    for fields, words in told.values():
        gone = {**span, "input": None, "output": None, **fields}
        page.route(f"**/spans/{span['span_id']}", partial(_answer, gone))
        page.goto(page.url.split("?", maxsplit=1)[0] + f"?span={span['span_id']}")
        expect(page.locator(".detail").get_by_text(words)).to_be_visible()
        expect(page.get_by_role("region", name="Input")).to_have_count(0)
        page.unroute(f"**/spans/{span['span_id']}")


def test_the_tools_that_a_model_was_offered_have_their_place(opened: Opened, week: World) -> None:
    span = next(span for span in week.spans[EARLIER] if span["name"] == "answer")
    schema = {"type": "object", "properties": {"town": {"type": "string"}}}
    tools = [
        {"name": "find_trains", "description": "Finds trains.", "parameters": schema},
        {"name": "web_search", "description": None, "parameters": None},
    ]
    page = opened(f"/traces/{EARLIER}")
    address = f"**/spans/{span['span_id']}"
    page.route(address, partial(_answer, {**span, "tools": {"tokens": 812, "items": tools}}))
    page.goto(f"{page.url}?span={span['span_id']}")
    offered = page.get_by_role("region", name="Tools offered")
    expect(offered).to_contain_text("2 tools, 812 tokens of the prompt")
    expect(offered.get_by_text("town")).to_have_count(0)
    offered.get_by_text("find_trains").click()
    expect(offered.get_by_text("town")).to_be_visible()
    page.unroute(address)
    page.route(address, partial(_answer, {**span, "tools": None}))
    page.reload()
    expect(page.get_by_role("region", name="Output")).to_be_visible()
    expect(offered).to_have_count(0)


def test_a_deleted_trace_is_called_so(opened: Opened) -> None:
    page = opened("/traces")
    title, detail = "It was deleted, or is being deleted.", "The trace was deleted on 2026-11-30."
    told = {"title": title, "status": 404, "code": "deleted", "detail": detail}
    page.route(f"**/api/v1/traces/{AGENT}?*", partial(_refuse, told))
    page.goto(page.url.replace("/traces", f"/traces/{AGENT}"))
    expect(page).to_have_title("Deleted trace · Assay")
    expect(page.get_by_role("heading", level=1)).to_have_text("Deleted trace")
    expect(page.get_by_role("alert")).to_contain_text("was deleted on 2026-11-30")
    expect(page.get_by_role("link", name="Delete this trace…")).to_have_count(0)


def test_a_raw_trace_is_all_of_it_and_a_long_one_is_asked_for(opened: Opened) -> None:
    page = opened(f"/traces/{AGENT}?tab=raw")
    expect(page.get_by_role("group", name="JSON")).to_contain_text("root_span_id")
    page.goto(page.url.replace(AGENT, DEEP))
    expect(page.get_by_role("button", name="Load it here")).to_be_visible(timeout=LONG)
    expect(page.get_by_role("group", name="JSON")).to_have_count(0)


def test_ten_thousand_spans_load_scroll_and_open_at_one_of_them(opened: Opened, week: World) -> None:
    deep = week.spans[DEEP][7654]
    page = opened(f"/traces/{DEEP}?span={deep['span_id']}")
    rows = page.get_by_role("treeitem")
    expect(page.get_by_role("treeitem", selected=True)).to_contain_text("step 7654", timeout=LONG)
    expect(page.get_by_role("treeitem", selected=True)).to_be_in_viewport()
    assert rows.count() < 80
    page.keyboard.press("j")
    expect(page.get_by_role("treeitem", selected=True)).to_contain_text("step 7655")
    page.get_by_role("tree").evaluate("tree => tree.scrollTo(0, tree.scrollHeight)")
    expect(rows.filter(has_text="step 9999")).to_be_visible()
    assert rows.count() < 80
    page.get_by_label("Find spans by name").fill("step 77")
    fitting = sum("77" in span["name"] for span in week.spans[DEEP])
    expect(page.get_by_text(f"{fitting} spans of 10,000")).to_be_visible()
    assert rows.count() < 80


def test_the_chosen_of_ten_thousand_spans_stays_in_sight_with_the_keyboard_alone(opened: Opened) -> None:
    page = opened(f"/traces/{DEEP}")
    chosen = page.get_by_role("treeitem", selected=True)
    expect(chosen).to_be_in_viewport(timeout=LONG)
    page.get_by_role("tree").focus()
    for key in ("End", "Home", "End", "ArrowUp"):
        before = chosen.inner_text()
        page.keyboard.press(key)
        expect(chosen).not_to_have_text(before)
        expect(chosen).to_be_in_viewport()


def test_what_is_looked_for_in_a_trace_is_typed_key_by_key(opened: Opened) -> None:
    page = opened(f"/traces/{AGENT}")
    field = page.get_by_label("Find spans by name")
    field.click()
    page.keyboard.type("search", delay=20)
    expect(field).to_have_value("search")
    expect(field).to_be_focused()
    expect(page).to_have_url(re.compile("find=search"))
    page.get_by_role("tab", name="Graph").click()
    page.go_back()
    expect(field).to_have_value("search")


def test_the_next_error_is_found_in_what_is_folded(opened: Opened) -> None:
    page = opened(f"/traces/{AGENT}")
    page.get_by_role("tree").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("treeitem")).to_have_count(1)
    page.keyboard.press("e")
    chosen = page.get_by_role("treeitem", selected=True)
    expect(chosen.get_by_label("Error")).to_be_visible()
    page.get_by_role("treeitem").first.get_by_title("Fold").click()
    expect(chosen).to_have_attribute("aria-level", "1")  # what is chosen is not folded away


def test_nothing_of_ten_thousand_spans_is_loaded_but_the_outline_and_one_span(opened: Opened) -> None:
    page = opened(f"/traces/{DEEP}")
    expect(page.get_by_text("Everything, as returned by the API")).to_be_visible(timeout=LONG)
    page.wait_for_load_state("networkidle")
    asked = json.loads(page.evaluate("JSON.stringify(performance.getEntriesByType('resource').map(one => one.name))"))
    traces = [url.partition("/api/v1")[2] for url in asked if "/api/v1/traces" in url]
    of_trace = [url.removeprefix(f"/traces/{DEEP}") for url in traces]
    assert sorted(url[:7] if url.startswith("/spans/") else url for url in of_trace) == [
        "/media",
        "/spans/",
        "?outline=true",
    ]
