"""What was asked and answered where the root says nothing of it: a web server's span above the calls of a model."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Event, Facts, Span
from assay_server.query import People, TraceFilter, Traces
from assay_server.query.dashboards.questions import Questions
from assay_server.query.metrics.asked import Asked, Range
from assay_server.store import DuckStore

SECOND = 1_000_000_000
START = 1_795_248_000 * SECOND
LONG = "Refunds take " + "very " * 100 + "long."


def span(trace: int, number: int, begin: int, end: int, parent: int | None = 1, **fields: Any) -> Span:
    """Of trace `trace`, from second `begin` to `end` of it."""
    above = None if parent is None else f"{trace * 100 + parent:016x}"
    at = START + trace * 100 * SECOND
    own = {"name": f"span {number}", "kind": "llm", **fields}
    return Span("prj_a", f"{trace:032x}", f"{trace * 100 + number:016x}", above, start_ns=at + begin * SECOND,
                end_ns=at + end * SECOND, **own)  # fmt: skip


def asked(question: str, *more: dict[str, Any]) -> str:
    return json.dumps([{"role": "user", "content": question}, *more])


SPANS = [
    # a server's span, a search, and a model that calls a tool before it answers
    span(1, 1, 0, 9, None, kind="span", name="POST /chat", session="s1", user="ada"),
    span(1, 2, 1, 2, kind="retriever", input="refunds", output="…"),
    span(1, 3, 2, 4, input=asked("How long do refunds take?"), output='[{"role":"assistant","tool_calls":[]}]'),
    span(1, 4, 4, 5, kind="tool", input="{}", output="14"),
    span(1, 5, 5, 8, input=asked("How long do refunds take?", {"role": "tool", "content": "14"}), output=LONG),
    # an agent inside says both; what it calls says other things
    span(2, 1, 0, 9, None, kind="span", name="POST /chat", session="s1", user="ada"),
    span(2, 2, 1, 8, kind="agent", input="And exchanges?", output="As long."),
    span(2, 3, 2, 8, 2, input="Is this a question?", output="yes"),
    # its words came in a log record beside the call
    span(3, 1, 0, 9, None, kind="span", name="POST /chat", session="s2"),
    span(3, 2, 1, 8),
    # nobody says anything
    span(4, 1, 0, 9, None, kind="span", name="GET /health", session="s3"),
    # a root that says what it was asked and not what it answered
    span(5, 1, 0, 9, None, kind="agent", input="Asked of the root", session="s4"),
    span(5, 2, 1, 8, input="Asked of the call", output="Answered by the call"),
    # as a call without anything around it, in a log record too
    span(6, 1, 0, 9, None, session="s5"),
]
RECORDS = [
    Event("prj_a", f"evt_{trace}", "content", START, f"{trace:032x}", f"{trace * 100 + number:016x}",
          data={"input": asked("Said in a record, and cut in a list " + "…" * 400), "output": "Answered there"})
    for trace, number in ((3, 2), (6, 1))
]  # fmt: skip


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    await opened.append(Facts(SPANS, events=RECORDS))
    yield opened
    await opened.close()


def id_of(trace: int, number: int) -> str:
    return f"{trace * 100 + number:016x}"


async def test_a_list_shows_what_the_calls_beneath_a_silent_root_say(store: DuckStore) -> None:
    rows = {int(row["trace_id"], 16): row for row in (await Traces(store).find("prj_a", TraceFilter())).items}
    assert rows[1]["input"] == asked("How long do refunds take?")
    assert rows[1]["output"] == LONG[:300]
    assert rows[1]["said_by"] == {"input": id_of(1, 3), "output": id_of(1, 5)}
    assert (rows[2]["input"], rows[2]["output"]) == ("And exchanges?", "As long.")
    assert rows[3]["input"].startswith('[{"role":"user","content":"Said in a record')
    assert (rows[3]["output"], rows[3]["said_by"]["output"]) == ("Answered there", id_of(3, 2))
    assert (rows[4]["input"], rows[4]["output"]) == (None, None)
    assert rows[4]["said_by"] == {"input": None, "output": None}
    assert (rows[5]["input"], rows[5]["output"]) == ("Asked of the root", "Answered by the call")
    assert rows[5]["said_by"] == {"input": id_of(5, 1), "output": id_of(5, 2)}


@pytest.mark.parametrize("outline", [True, False])
async def test_a_trace_says_the_same_as_its_row(store: DuckStore, outline: bool) -> None:
    traces = Traces(store)
    for trace in range(1, 7):
        row = await traces.row("prj_a", f"{trace:032x}")
        found = await traces.get("prj_a", f"{trace:032x}", outline=outline)
        assert [found[name] for name in ("input", "output", "said_by")] == [
            row[name] for name in ("input", "output", "said_by")
        ]


async def test_a_session_of_such_traces_is_a_conversation(store: DuckStore) -> None:
    people = People(store, Traces(store))
    session = await people.session("prj_a", "s1")
    assert [(turn["input"], turn["output"]) for turn in session["turns"]] == [
        ([{"role": "user", "content": "How long do refunds take?"}], LONG),
        ("And exchanges?", "As long."),
    ]
    rows = {row["session"]: row for row in (await people.sessions("prj_a")).items}
    assert (rows["s1"]["input"], rows["s1"]["output"]) == (asked("How long do refunds take?"), "As long.")
    assert (rows["s2"]["output"], rows["s3"]["output"]) == ("Answered there", None)
    assert rows["s4"]["input"] == "Asked of the root"


@pytest.mark.parametrize("session", ["s2", "s5"])
async def test_what_came_in_a_record_stands_whole_in_the_conversation(store: DuckStore, session: str) -> None:
    """Also of a call without anything around it, whose turn had neither question nor answer."""
    [turn] = (await People(store, Traces(store)).session("prj_a", session))["turns"]
    assert turn["input"][0]["content"].endswith("…" * 400)
    assert turn["output"] == "Answered there"


async def test_the_most_common_questions_are_those_beneath_silent_roots_too(store: DuckStore) -> None:
    again = [
        fresh
        for n in range(10, 14)
        for fresh in (
            span(n, 1, 0, 9, None, kind="span", name="POST /chat"),
            span(n, 2, 1, 8, input=asked("Where is my parcel now?")),
        )
    ]
    await store.append(Facts(again))
    found = await Questions(store).read(Asked("prj_a", Range(START, START + 10_000 * SECOND), [], None))
    assert (found["clusters"][0]["label"], found["clusters"][0]["n"]) == ("Where is my parcel now?", 4)
