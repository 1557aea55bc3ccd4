"""What stays of a row whose text is let go, and above all what does not."""

import json

from assay_server.ingest import Labels, aliases
from assay_server.keeping import remains

is_label = Labels(aliases()).is_label
LONG = "what the person wrote " * 10


def test_labels_of_a_span_stay_and_its_text_goes() -> None:
    attributes = {
        "gen_ai.request.model": "gpt-5",
        "gen_ai.usage.input_tokens": 12,
        "tenant": "acme",
        "streamed": True,
        "gen_ai.input.messages": "short",
        "llm.input_messages.0.message.content": "short",
        "note": LONG,
        "retrieval.documents": [{"content": "x"}],
    }
    events = [{"name": "retry", "time_ns": 5, "attributes": {"n": 2, "prompt": LONG}}]
    links = [{"trace_id": "1", "span_id": "2", "attributes": {"why": LONG}}]
    row = {"attributes": json.dumps(attributes), "events": json.dumps(events), "links": json.dumps(links)}
    found = remains.of_span({**row, "status_message": "timed out"}, is_label)
    assert found == {
        "status_message": "timed out",
        "attributes": {
            "gen_ai.request.model": "gpt-5",
            "gen_ai.usage.input_tokens": 12,
            "tenant": "acme",
            "streamed": True,
        },
        "events": [{"name": "retry", "time_ns": 5, "attributes": {"n": 2}}],
        "links": [{"trace_id": "1", "span_id": "2", "attributes": {}}],
    }


def test_a_long_or_many_lined_status_message_goes() -> None:
    empty = {"attributes": None, "events": None, "links": None}
    for message in (LONG, "Traceback\n  x = 'what they wrote'", None):
        assert remains.of_span({**empty, "status_message": message}, is_label)["status_message"] is None


def test_a_log_record_keeps_where_it_came_from() -> None:
    data = {"name": "gen_ai.content", "severity": "INFO", "body": {"content": LONG}, "input": LONG, "output": LONG,
            "attributes": {"n": 1, "gen_ai.input.messages": "x"}, "resource": {"service.name": "shop"},
            "pii": ["PHONE"]}  # fmt: skip
    found = remains.of_log_record({"data": json.dumps(data)}, is_label)["data"]
    assert found == {
        "name": "gen_ai.content", "severity": "INFO", "resource": {"service.name": "shop"}, "pii": ["PHONE"],
        "attributes": {"n": 1},
    }  # fmt: skip


def test_a_message_goes_from_events_and_records_however_short() -> None:
    said = {"name": "gen_ai.user.message", "attributes": {"content": "my PIN", "gen_ai.system": "openai", "index": 0}}
    plain = {"name": "cache hit", "attributes": {"content": "blue"}}
    of_span = remains.of_span(
        {"status_message": None, "attributes": None, "events": json.dumps([said, plain]), "links": None}, is_label
    )
    left = {"name": "gen_ai.user.message", "attributes": {"gen_ai.system": "openai", "index": 0}}
    assert of_span["events"] == [left, plain]
    assert remains.of_log_record({"data": json.dumps({**said, "input": "[…]"})}, is_label) == {"data": left}


def test_a_score_keeps_its_labels_and_loses_its_reason() -> None:
    found = remains.of_score({"metadata": json.dumps({"judge": "v2", "comment": LONG, "spans": ["1"]})}, is_label)
    assert found == {"reason": None, "metadata": {"judge": "v2"}}


def test_what_cannot_be_read_leaves_nothing() -> None:
    broken = {"attributes": "{", "events": '"x"', "links": '["x"]', "status_message": None}
    nothing = {"status_message": None, "attributes": {}, "events": [{}], "links": [{}]}
    assert remains.of_span(broken, is_label) == nothing
