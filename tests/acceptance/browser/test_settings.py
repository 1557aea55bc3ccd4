"""What people do with the settings of a project: what comes in, what is kept, who is forgotten, what goes on."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.ui_agent import AGENT
from tests.fakes.ui_api import FakeApi
from tests.fakes.ui_world import World, an_id, at

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]


def test_retention_shows_what_would_go_before_it_is_changed(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=retention")
    expect(page.locator(".lead")).to_have_text(
        "Spans are kept 365 days, their text 30 days; everything else is kept. staging has a rule of its own."
    )
    act = page.get_by_role("button", name="Review the change")
    expect(act).to_be_disabled()
    page.get_by_label("Their text, days").first.fill("14")
    page.get_by_role("button", name="Remove the rule of staging").click()
    act.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("listitem")).to_have_text(
        [
            "Their text: kept 14 days instead of 30 days.",
            "The rule of staging is removed: the project’s rule applies there.",
        ]
    )
    expect(dialog).to_contain_text("A pass now would delete 1,204 spans, 88,310 texts")
    dialog.get_by_label("Reason").fill("the contract says two weeks")
    dialog.get_by_role("button", name="Save retention").click()
    expect(page.get_by_text("Until then you can undo them")).to_be_visible()
    whole = {"environment": None, "metadata_days": 365, "text_days": 14, "scores_days": None, "runs_days": None}
    sent = [call for call in ui_api.received if call[0] == "PUT"]
    assert sent == [("PUT", "/retention", {"rules": [whole], "reason": "the contract says two weeks"})]


def test_a_number_out_of_range_is_told_what_is_allowed_and_stays_as_it_was_typed(
    opened: Opened, ui_api: FakeApi
) -> None:
    page = opened("/settings?tab=retention")
    days = page.get_by_label("Their text, days").first
    for typed, told in (
        ("-5", "Allowed: whole numbers, 1 to 36,500."),
        ("40000", "1 to 36,500."),
        ("1.5", "whole numbers"),
        ("1x", "Not a number: 1x."),
        ("1e", "Not a number: 1e."),
    ):
        days.clear()
        days.press_sequentially(typed)
        days.press("Tab")
        expect(days).to_have_value(typed)
        expect(page.get_by_text(told)).to_be_visible()
        page.get_by_role("button", name="Review the change").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
    days.clear()
    days.press_sequentially("1e1")
    days.press("ArrowUp")
    expect(days).to_have_value("11")
    days.clear()
    days.press_sequentially("1e1")
    expect(page.get_by_text("Allowed:")).to_have_count(0)
    expect(page.get_by_text("Not a number")).to_have_count(0)
    page.get_by_role("button", name="Review the change").click()
    expect(page.get_by_role("dialog")).to_contain_text("10 days")


@pytest.mark.parametrize(("tab", "field"), [("retention", "Their text, days"), ("sampling", "Share kept, %")])
def test_leaving_rules_that_were_changed_asks_first(opened: Opened, tab: str, field: str) -> None:
    page = opened(f"/settings?tab={tab}")
    page.get_by_label(field).first.fill("13")
    page.get_by_role("tab", name="Keys").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your changes to these rules are not saved")
    page.keyboard.press("Escape")
    expect(page.get_by_label(field).first).to_have_value("13")
    page.get_by_role("tab", name="Keys").click()
    dialog.get_by_role("button", name="Discard changes").click()
    expect(page.get_by_role("button", name="Create a key")).to_be_visible()


def test_two_people_do_not_overwrite_each_other(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=quotas")
    page.get_by_role("button", name="Change…").click()
    ui_api.world.kept["quotas"]["revision"] += 1
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("more room")
    dialog.get_by_role("button", name="Set them").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    expect(dialog.get_by_label("Reason")).to_have_value("more room")


def test_a_quota_below_what_came_in_warns(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=quotas")
    page.get_by_role("button", name="Change…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Spans a day").fill("1000")
    expect(dialog).to_contain_text("862,114 already used. The next request will be refused")
    dialog.get_by_label("Reason").fill("a test")
    dialog.get_by_role("button", name="Set them").click()
    expect(dialog).to_have_count(0)
    assert ui_api.received[-1][2]["limits"]["spans_per_day"] == 1000


def test_a_person_is_looked_for_then_deleted_by_typing_who(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=privacy")
    page.get_by_label("User").fill("u-0061")
    page.get_by_role("button", name="Find data").click()
    expect(page.locator(".lead")).to_have_text(
        "Stored of this person: 120 spans, 3 log records, 7 scores, 2 media files."
    )
    expect(page.get_by_text("holds a copy and does not expire")).to_be_visible()
    page.get_by_role("button", name="Delete it…").click()
    dialog = page.get_by_role("dialog")
    act = dialog.get_by_role("button", name="Delete permanently")
    dialog.get_by_label("Reason").fill("asked by mail")
    expect(act).to_be_disabled()
    dialog.get_by_label("Type the user to confirm").fill("u-0061")
    dialog.get_by_label("Erase their content").check()
    act.click()
    expect(page.get_by_text("rewriting")).to_be_visible()
    sent = ("POST", "/deletions", {"user": "u-0061", "reason": "asked by mail", "datasets": "erase"})
    assert ui_api.received[-1] == sent


def test_a_trace_is_deleted_from_its_page(opened: Opened, ui_api: FakeApi) -> None:
    page = opened(f"/traces/{AGENT}")
    page.get_by_role("link", name="Delete this trace…").click()
    expect(page.get_by_role("textbox", name="Trace")).to_have_value(AGENT)
    page.get_by_role("button", name="Find data").click()
    expect(page.locator(".lead")).to_contain_text("Stored of this trace: 120 spans")
    page.get_by_role("button", name="Delete it…").click()
    dialog = page.get_by_role("dialog", name="Delete this trace")
    act = dialog.get_by_role("button", name="Delete permanently")
    dialog.get_by_label("Reason").fill("a key in its prompt")
    expect(act).to_be_disabled()
    dialog.get_by_label("Type the beginning of its id to confirm").fill(AGENT[:8])
    act.click()
    expect(page.get_by_role("row").filter(has_text="of the trace")).to_contain_text("a key in its prompt")
    sent = ("POST", "/deletions", {"trace_id": AGENT, "reason": "a key in its prompt", "datasets": "keep"})
    assert ui_api.received[-1] == sent


def test_an_id_that_no_field_can_hold_comes_by_its_link_as_it_is(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=privacy&user=%20u-0061%0A")
    with page.expect_request(lambda request: "dry_run" in request.url) as asked:
        page.get_by_role("button", name="Find data").click()
    assert asked.value.post_data_json["user"] == " u-0061\n"
    proof = page.get_by_role("link", name="Download the proof")
    expect(proof).to_have_attribute("href", f"/api/v1/deletions/{an_id('del', 1)}/proof")


def test_a_deletion_that_left_something_does_not_just_say_done(opened: Opened) -> None:
    page = opened("/settings?tab=privacy")
    row = page.get_by_role("row").filter(has_text="asked by letter")
    expect(row).to_contain_text("Done, with exceptions")
    expect(row.get_by_role("list", name="What remains").get_by_role("listitem")).to_have_text(
        [
            "dataset golden, versions 1, 2 (2 items): items made from this person's spans",
            "backup bak_1, /var/backups/assay: made before the deletion; it does not expire",
        ]
    )


def test_somebody_nobody_knows_is_told_as_that(opened: Opened) -> None:
    page = opened("/settings?tab=privacy")
    page.get_by_label("User").fill("nobody")
    page.get_by_role("button", name="Find data").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no such thing in this project.")


def test_a_share_is_what_is_typed_key_by_key(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=sampling")
    page.get_by_role("button", name="Add a rule").click()
    share = page.get_by_label("Share kept, %").last
    for typed in ("0.05", "2.5", "10"):
        share.press("Control+a")
        share.press("Backspace")
        share.press_sequentially(typed)
        expect(share).to_have_value(typed)
    page.get_by_role("button", name="Review the change").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("less")
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_have_count(0)
    assert ui_api.received[-1][2]["rules"][-1]["rate"] == 0.1


def test_sampling_is_tried_on_yesterday_before_it_holds(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=sampling")
    expect(page.get_by_text("Of 184,000 spans, 120,000 (65 %) would have kept their content")).to_be_visible()
    expect(page.get_by_text("310 calls of models would have been dropped ($2.40)")).to_be_visible()
    page.get_by_role("button", name="Remove health").click()
    page.get_by_label("Share kept, %").fill("20")
    page.get_by_role("button", name="Review the change").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Counts, totals, costs and latencies stay exact.")
    dialog.get_by_label("Reason").fill("the crawler matters")
    dialog.get_by_role("button", name="Save sampling").click()
    expect(dialog).to_have_count(0)
    [(_, _, body)] = [call for call in ui_api.received if call[0] == "PUT"]
    match = {"service": ["crawler"], "kind": ["llm", "tool"]}
    assert body["rules"] == [{"name": "chatty", "match": match, "action": "sample", "rate": 0.2}]
    assert (body["tail"]["share"], body["reason"]) == (0.25, "the crawler matters")


def test_checks_are_turned_on_for_a_share_of_the_traces(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=flags")
    expect(page.get_by_text("37 checks were dropped")).to_be_visible()
    page.get_by_role("button", name="Change…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("groundedness").check()
    dialog.get_by_label("Share of the traces, %").fill("25")
    dialog.get_by_label("Reason").fill("answers without a source")
    dialog.get_by_role("button", name="Save checks").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Toxicity and groundedness on 25 % of the traces.")).to_be_visible()
    [(_, _, body)] = [call for call in ui_api.received if call[0] == "PUT"]
    reason = "answers without a source"
    assert body == {"checks": ["toxicity", "groundedness"], "share": 0.25, "reason": reason}


def test_an_export_is_planned_to_a_bucket_without_any_secret(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=exports")
    page.get_by_role("button", name="New export").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("lake")
    dialog.get_by_role("button", name="Add a filter").click()
    value = dialog.locator(".values input").first
    for typed in ("llm", "tool"):  # lists take one value a field: the second takes the place of the first
        value.fill(typed)
        value.press("Enter")
    expect(dialog.get_by_text("llm", exact=True)).to_have_count(0)
    dialog.get_by_text("A bucket (S3)").click()
    dialog.get_by_label("Bucket and prefix").fill("lake/assay")
    dialog.get_by_label("Secret from").fill("ASSAY_EXPORT_SECRET")
    dialog.get_by_role("button", name="Export it").click()
    expect(page.get_by_text("spans as parquet, every day, to s3://lake/assay")).to_be_visible()
    assert ui_api.received[-1][2] == {
        "name": "lake",
        "what": "spans",
        "filter": {"kind": "tool"},
        "format": "parquet",
        "every": "day",
        "enabled": True,
        "target": {"s3": "lake/assay", "secret_env": "ASSAY_EXPORT_SECRET"},
    }
    page.get_by_role("button", name="for-power-bi").click()
    expect(page.get_by_text("bi/spans/day=2026-11-24/spans-2026-11-24.parquet")).to_be_visible()


def test_an_export_of_traces_keeps_all_values_and_one_search(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=exports")
    page.get_by_role("button", name="New export").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("disliked")
    dialog.get_by_role("combobox", name="What").click()
    page.get_by_role("option", name="traces").click()
    given = {"model": ("a", "b"), "search": ("cost>1", "score.helpful<0.5 user:a,b")}
    for nth, (field, values) in enumerate(given.items()):
        dialog.get_by_role("button", name="Add a filter").click()
        dialog.get_by_role("combobox", name="Field").nth(nth).click()
        page.get_by_role("option", name=field, exact=True).click()
        for value in values:  # a second line takes the place of the first
            named = "Line of the search" if field == "search" else f"Values of {field}"
            dialog.get_by_role("combobox", name=named).fill(value)
            page.keyboard.press("Enter")
    dialog.get_by_label("Folder *").fill("bi/disliked")
    dialog.get_by_role("button", name="Export it").click()
    expect(dialog).to_have_count(0)
    assert ui_api.received[-1][2]["filter"] == {"model": ["a", "b"], "search": "score.helpful<0.5 user:a,b"}


def test_a_filter_without_a_value_is_asked_for(opened: Opened) -> None:
    page = opened("/settings?tab=forwarding&do=new-forward")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("lake")
    dialog.get_by_label("Endpoint").fill("https://collector.example.com:4318")
    send = dialog.get_by_role("button", name="Forward", exact=True)
    expect(send).to_be_enabled()
    dialog.get_by_role("button", name="Add a filter").click()
    expect(dialog).to_contain_text("a value, or remove the filter.")
    expect(send).to_be_disabled()


def test_forwarding_is_set_up_tested_and_stopped(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=forwarding")
    expect(page.get_by_role("row").filter(has_text="audit-lake").get_by_title("Permanently refused")).to_have_text("3")
    page.get_by_role("button", name="Forward to…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("other")
    dialog.get_by_label("Endpoint").fill("https://other.example.com:4318")
    dialog.get_by_label("Headers").fill("authorization=env:ASSAY_FORWARD_TOKEN")
    dialog.get_by_role("switch", name="Include log records").check()
    dialog.get_by_role("button", name="Forward", exact=True).click()
    expect(page.get_by_text("all spans, with log records")).to_be_visible()
    page.get_by_role("button", name="Test other").click()
    expect(page.get_by_text("other answered 200.")).to_be_visible()
    sent = next(body for _, path, body in ui_api.received if path == "/forwards/other")
    assert (sent["headers"], sent["share"]) == ({"authorization": "env:ASSAY_FORWARD_TOKEN"}, 1)
    assert sent["signals"] == ["traces", "logs"]
    page.get_by_role("button", name="Remove other").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("button", name="Test other")).to_have_count(0)


def test_a_backup_is_made_and_verified(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=backups")
    page.get_by_role("button", name=f"Verify {an_id('bak', 2)}").click()
    expect(page.get_by_text("It is being restored")).to_be_visible()
    page.get_by_role("button", name="Create backup").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("before the move")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_text("Running")).to_be_visible()
    assert ui_api.received[-1] == ("POST", "/backups", {"reason": "before the move"})


def test_a_feedback_key_stands_in_the_lines_for_a_page(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=feedback")
    expect(page.get_by_text("I asked about a phone")).to_be_visible()
    page.get_by_role("button", name="Create key").click()
    lines = page.locator(".snippet pre").last
    expect(lines).to_contain_text("Bearer sk_new_secret_shown_once")
    assert ui_api.received == [("POST", "/keys", {"name": "feedback of the shop", "role": "score"})]


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_who_may_not_change_it_is_told(opened: Opened, ui_api: FakeApi, role: str) -> None:
    ui_api.world.role = role
    page = opened("/settings?tab=retention")
    expect(page.get_by_text("Only admins of this project can change retention.")).to_be_visible()
    page.get_by_role("tab", name="Quotas").click()
    expect(page.get_by_text("86 % used")).to_be_visible()
    expect(page.get_by_role("button", name="Change…")).to_have_count(0)
    page.get_by_role("tab", name="Privacy").click()
    expect(page.get_by_text("admins of this project can delete")).to_be_visible()
    page.get_by_role("tab", name="Sampling").click()
    expect(page.get_by_text("Only admins of this project can change sampling.")).to_be_visible()
    page.get_by_role("tab", name="Flags").click()
    expect(page.get_by_text("Only admins of this project can change flags.")).to_be_visible()
    page.get_by_role("tab", name="Backups").click()
    expect(page.get_by_text("admins of the server’s first project can create")).to_be_visible()


def test_a_new_project_is_told_that_all_is_kept(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world = World()
    page = opened("/settings?tab=retention")
    expect(page.get_by_text("Everything is kept: no rule deletes anything.")).to_be_visible()
    for tab, said in {
        "Quotas": "No quota is set: everything is accepted.",
        "Sampling": "every span is kept as it was sent",
        "Flags": "No check runs on incoming traces.",
        "Exports": "No scheduled exports yet",
        "Forwarding": "No forwards yet",
        "Backups": "No backups yet",
        "Feedback": "No end-user feedback yet.",
    }.items():
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_text(said)).to_be_visible()


def test_keys_say_whether_anybody_uses_them(opened: Opened) -> None:
    page = opened("/settings")
    row = page.get_by_role("row").filter(has_text="support service")
    expect(row).to_contain_text("never")
    expect(page.get_by_role("row").filter(has_text="old laptop")).to_contain_text("not since")
    expect(page.get_by_role("row").filter(has_text="bootstrap")).to_contain_text("3 hr ago")
    row.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("dialog")).to_contain_text("Last used: never.")


def test_who_did_something_is_called_by_the_name_of_the_key(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/settings?tab=retention")
    expect(page.locator(".lead")).to_be_visible()
    ui_api.world.kept["retention"]["updated_by"] = f"key:{an_id('key', 3)}"
    page.reload()
    by = page.get_by_text("key old laptop")
    expect(by).to_be_visible()
    expect(page.locator(f'[title="key:{an_id("key", 3)}"]')).to_contain_text("old laptop")
    page.get_by_role("tab", name="Keys").click()
    expect(page.get_by_text("old laptop", exact=True)).to_have_attribute("title", an_id("key", 3))


def test_who_may_not_see_the_keys_reads_their_names_too(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.role = "viewer"
    ui_api.failing["/keys"] = 403
    page = opened("/settings?tab=retention")
    expect(page.locator(".lead")).to_be_visible()
    ui_api.world.kept["retention"]["updated_by"] = f"key:{an_id('key', 3)}"
    page.reload()
    expect(page.locator(f'[title="key:{an_id("key", 3)}"]')).to_have_text("key old laptop")


def test_revoking_ones_own_key_warns_that_one_is_signed_out(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.actor = f"key:{an_id('key', 1)}"
    page = opened("/settings")
    warning = page.get_by_text("You are signed in with this key and will be signed out.")
    page.get_by_role("button", name="Revoke support service").click()
    expect(page.get_by_role("dialog")).to_contain_text("Last used: never.")
    expect(warning).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Revoke bootstrap").click()
    expect(warning).to_be_visible()


def test_rules_that_cannot_be_looked_at_yet_say_why(opened: Opened) -> None:
    page = opened("/settings?tab=retention")
    page.get_by_role("button", name="Add a rule for an environment").click()
    act = page.get_by_role("button", name="Review the change")
    expect(act).to_have_accessible_description("Each additional rule needs an environment.")
    page.get_by_role("textbox", name="Environment").last.fill("staging")
    expect(act).to_have_accessible_description("Two rules are for the environment staging.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("textbox", name="Environment").last.fill("dev")
    page.get_by_label("Spans, days").last.fill("7")
    act.click()
    expect(page.get_by_role("dialog")).to_contain_text("Spans of dev: kept 7 days instead of for ever.")


def test_a_restored_server_says_that_nothing_leaves_and_how_to_go_on(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.held = {"backup": "assay-20261125T172000Z-1n0d9f", "made_at": at(), "restored_at": at()}
    page = opened("/incidents")
    banner = page.get_by_role("region", name="Restored from a backup")
    expect(banner).to_contain_text("It was restored from assay-20261125T172000Z-1n0d9f")
    banner.get_by_role("button", name="Release them…").click()
    dialog = page.get_by_role("dialog", name="Release messages, forwards and exports")
    expect(dialog).to_contain_text("3 messages wait here")
    dialog.get_by_role("button", name="Release", exact=True).click()
    expect(banner).to_have_count(0)
    assert ui_api.received[-1][:2] == ("POST", "/outgoing/start")


def test_who_is_no_admin_is_told_whom_to_ask(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.held = {"backup": None, "made_at": None, "restored_at": None}
    ui_api.world.role = "viewer"
    banner = opened("/traces").get_by_role("region", name="Restored from a backup")
    expect(banner).to_contain_text("restored from a backup")
    expect(banner).to_contain_text("assay outgoing start")
    expect(banner.get_by_role("button")).to_have_count(0)


def test_a_link_to_a_tab_that_there_is_not_shows_the_first(opened: Opened) -> None:
    page = opened("/settings?tab=notifications")
    expect(page.get_by_role("tab", name="Keys")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel")).not_to_be_empty()


def test_every_page_says_of_which_project_it_is(opened: Callable[..., Page]) -> None:
    page = opened("/traces")
    expect(page.get_by_role("navigation", name="Pages").get_by_text("Project shop")).to_be_visible()
    page.goto(page.url.replace("/traces", "/settings?tab=you"))
    expect(page.get_by_text("prj_demo")).to_be_visible()
