"""Answers that were asked to obey a schema are held against it, whatever a project's flags say."""

import json
from typing import Any

import pytest

from assay_server.core.records import Facts, Span
from assay_server.governance import SCORED, Flagging
from assay_server.ingest.flags.answer_schema import schema_asked
from assay_server.ingest.flags.flags import FlagWatch
from tests.unit.ingest.flags.test_flags import KeepingSink, Policies, checks, judged, span

SCHEMA = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "refund", "schema": SCHEMA, "strict": True}}
ASKED = {"openai.request.response_format": json.dumps(FORMAT)}


@pytest.mark.parametrize(
    ("attributes", "schema"),
    [
        (ASKED, SCHEMA),
        ({"gen_ai.request.response_format": FORMAT}, SCHEMA),
        ({"llm.invocation_parameters": json.dumps({"temperature": 0, "response_format": FORMAT})}, SCHEMA),
        ({"langfuse.observation.model.parameters": json.dumps({"response_format": json.dumps(FORMAT)})}, SCHEMA),
        ({"openai.request.response_format": '{"type": "json_schema", "schema": {"type": "array"}}'}, {"type": "array"}),
        ({"openai.request.response_format": '{"type": "json_object"}'}, {}),
        ({"gen_ai.output.type": "json"}, {}),
        ({"openai.request.response_format": '{"type": "text"}', "gen_ai.output.type": "json"}, None),
        ({"llm.invocation_parameters": '{"stop": "response_format"}'}, None),
        ({"llm.invocation_parameters": "response_format and no JSON"}, None),
        ({"openai.request.response_format": "json_schema"}, None),
        ({"openai.request.response_format": '{"type": "json_schema", "json_schema": {"schema": 7}}'}, None),
        ({"gen_ai.output.type": "text"}, None),
        ({}, None),
    ],
)
def test_a_call_says_which_schema_it_was_asked_to_obey(attributes: dict[str, Any], schema: Any) -> None:
    assert schema_asked(attributes) == schema


async def test_every_answer_with_a_schema_is_judged_and_no_other() -> None:
    said = ['{"amount": 12}', '{"amount": "twelve"}', "I cannot do that.", '[{"role": "assistant", "content": "7"}]']
    spans = [span(n, output=text, attributes=ASKED, trace_id=f"{n:032x}") for n, text in enumerate(said, 1)]
    free = span(9, output="no JSON", trace_id="f" * 32)
    sink, policies = KeepingSink(), Policies()
    await judged(sink, policies, *spans, free)
    assert [(score.name, score.value) for score in sink.scores] == [("schema_valid", v) for v in (1.0, 0.0, 0.0, 0.0)]
    assert [score.span_id for score in sink.scores] == [f"{n:016x}" for n in range(1, 5)]
    assert sink.scores[1].reason == "$.amount: 'twelve' is not of type 'integer'"
    assert (sink.scores[2].reason or "").startswith("not JSON")
    assert policies.counted == {}, "flags are what a project asks for"


async def test_what_the_schema_cannot_judge_is_not_judged() -> None:
    called = json.dumps([{"role": "assistant", "tool_calls": [{"id": "1", "name": "refund", "arguments": {}}]}])
    others = [
        span(1, output=called, attributes=ASKED),  # no answer yet
        span(2, output='{"amount": [PHONE_NUMBER]}', pii=["PHONE_NUMBER"], attributes=ASKED),  # scrubbed of its number
        span(3, output='{"amount": 1', status="error", attributes=ASKED),  # cut off with its call
        span(4, output='{"amount": 1}', run="run_1", attributes=ASKED),  # the run's own suite does
        span(7, output="[]", attributes=ASKED | {"openai.request.response_format": '{"type": "text"}'}),
        span(5, "tool", output='{"amount": 1}', attributes=ASKED),
        span(6, output='{"amount": ' + "1" * 50_000 + "}", attributes=ASKED),
    ]
    sink = KeepingSink()
    await judged(sink, Policies(), *others)
    assert sink.scores == []


async def test_a_long_answer_is_judged_whole_beside_what_a_project_asks_for() -> None:
    long = json.dumps({"amount": 3, "why": "the parcel came late " * 1_000})
    policies, sink = Policies(prj_a=Flagging(("toxicity",))), KeepingSink()
    told = json.dumps([{"role": "assistant", "content": long}])
    scores = await judged(sink, policies, span(output=told, attributes=ASKED))
    assert scores["schema_valid"].value == 1.0
    assert scores["toxicity"].value is not None
    assert policies.counted == {SCORED: 1}


async def test_the_gateways_call_is_judged_where_its_client_told_the_answer_before() -> None:
    """The client's span does not say what was asked; that of the gateway does, and both say what was answered."""
    client = span(1, output='{"amount": 1}', start_ns=10, end_ns=90)
    gateway = span(
        2, output='{"amount": 1}', start_ns=20, end_ns=80, parent_id=f"{1:016x}", service="assay-gateway",
        attributes=ASKED,
    )  # fmt: skip
    sink = KeepingSink()
    await judged(sink, Policies(prj_a=Flagging(("toxicity",))), client, gateway, client)
    assert sorted((score.name, score.span_id[-1]) for score in sink.scores if score.name == "schema_valid") == [
        ("schema_valid", "2")
    ]


def around(number: int, strategy: str = "object", schema: Any = SCHEMA, **more: Any) -> Span:
    """What Vercel's SDK has around a step; it ends after it."""
    said = {"ai.schema": json.dumps(schema), "ai.settings.output": strategy, "ai.operationId": "ai.generateObject"}
    return span(number, "chain", output=None, attributes=said, **more)


def step(number: int, output: str, of: int, operation: str = "ai.generateObject.doGenerate", **more: Any) -> Span:
    parent = f"{of:016x}"
    return span(number, output=output, parent_id=parent, attributes={"ai.operationId": operation}, **more)


@pytest.mark.parametrize("together", [True, False])
async def test_the_schema_that_vercels_sdk_says_around_a_call_is_what_it_is_held_against(together: bool) -> None:
    """The one below is told first; one that is wrong ends the one around as an error."""
    steps = [step(1, '{"amount": 12}', 11), step(2, '{"amount": "x"}', 12), step(3, '{"amount": 1}', 13)]
    rest = [around(11), around(12, status="error"), span(13, "chain", output=None)]
    sink, watch = await _heard([[*steps, *rest]] if together else [steps, rest])
    assert [(score.span_id[-1], score.value) for score in sink.scores] == [("1", 1.0), ("2", 0.0)]
    assert watch._around._held.keys() == {("prj_a", "a" * 32, f"{13:016x}")}


async def test_lists_and_choices_are_asked_for_in_an_object_and_streams_tell_them_without() -> None:
    listed = {
        "type": "object",
        "properties": {"elements": {"type": "array", "items": SCHEMA}},
        "required": ["elements"],
    }
    chosen = {"type": "object", "properties": {"result": {"enum": ["a", "b"]}}, "required": ["result"]}
    stream = "ai.streamObject.doStream"
    sink, _ = await _heard([[
        around(11, "array", listed), step(1, '{"elements": [{"amount": 1}]}', 11),
        step(2, '[{"amount": 1}]', 11, stream), step(3, '[{"amount": "x"}]', 11, stream),
        around(12, "enum", chosen), step(4, '"a"', 12, stream),
        step(5, '{"result": "c"}', 12), around(13, "enum", {"type": "object"}), step(6, '"b"', 13, stream),
    ]])  # fmt: skip
    assert [(score.span_id[-1], score.value) for score in sink.scores] == [
        ("1", 1.0), ("2", 1.0), ("3", 0.0), ("4", 1.0), ("5", 0.0), ("6", 0.0),
    ]  # fmt: skip


async def test_a_call_that_says_json_alone_is_held_against_what_is_said_around_it() -> None:
    """So the SDK's version 7 tells it where its schema is asked for."""
    any_json = {"gen_ai.output.type": "json"}
    calls = [span(n, output='{"n": ' + str(n) + "}", parent_id=f"{10 + n:016x}", attributes=any_json) for n in (1, 2)]
    sink, _ = await _heard([[*calls, around(11)]])
    assert [(score.span_id[-1], score.value) for score in sink.scores] == [("1", 0.0), ("2", 1.0)]


async def test_what_waits_for_a_span_around_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay_server.ingest.flags.schema_around._MOST", 2)
    sink, watch = await _heard([[step(n, f'{{"amount": {n}}}', 10 + n) for n in range(1, 5)], [around(11), around(13)]])
    assert [score.span_id[-1] for score in sink.scores] == ["3"]
    assert len(watch._around._schemas) == 2


async def _heard(requests: list[list[Span]]) -> tuple[KeepingSink, FlagWatch]:
    sink = KeepingSink()
    watch = FlagWatch(sink, Policies(), checks.get)
    watch.start()
    for spans in requests:
        await watch.heard(Facts(spans=spans))
    await watch.settled()
    await watch.close()
    return sink, watch
