"""Files hold what the lists show, page after page, in every format."""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from assay_server.core.errors import Busy, InvalidInput
from assay_server.core.records import Facts, Score, Span, Tokens
from assay_server.query import Exports, ScoreFilter, Scores, SpanFilter, TraceFilter, Traces
from assay_server.store import DuckStore

START = 1_795_248_000_000_000_000  # 2026-11-21T08:00:00Z
SPANS = 1203  # two pages of spans, three of traces


def span(number: int, project: str = "prj_a") -> Span:
    fields: dict[str, Any] = {}
    if number == 1:
        fields = {"tokens": Tokens(5, 2), "cost": 0.25, "tags": ["a"], "input": 'say "hi",\nthen =1+1', "user": "ada",
                  "attributes": {"x": {"y": 1}}}  # fmt: skip
    return Span(
        project, f"{number:032x}", f"{number:016x}", None, "call", "llm", START + number, START + 10**6, **fields
    )


@pytest.fixture
async def traces(tmp_path: Path) -> AsyncIterator[tuple[Traces, Scores]]:
    store = await DuckStore.open(tmp_path / "facts")
    mine = [span(number) for number in range(1, SPANS + 1)]
    scores = [Score("prj_a", "s1", "good", START, "human", None, error="nobody knows", trace_id=f"{1:032x}")]
    await store.append(Facts([*mine, span(9, "prj_b")], scores))
    yield Traces(store), Scores(store)
    await store.close()


async def file(rooms: tuple[Traces, Scores], narrow: Any, form: Any) -> bytes:
    return b"".join([part async for part in Exports(*rooms).stream("prj_a", narrow, form)])


async def test_json_lines_hold_the_documents_of_the_list(traces: tuple[Traces, Scores]) -> None:
    lines = (await file(traces, SpanFilter(), "jsonl")).splitlines()
    assert len(lines) == SPANS
    listed = (await traces[0].spans("prj_a", SpanFilter(user="ada"))).items
    assert json.loads(lines[-1]) == listed[0]
    assert len({json.loads(line)["span_id"] for line in lines}) == SPANS


async def test_who_reads_nothing_holds_up_a_few_exports_and_no_other_project(traces: tuple[Traces, Scores]) -> None:
    """Each holds a page of texts: 60 that nobody read took hundreds of megabytes."""
    exports = Exports(*traces)
    begun = [exports.download("prj_a", SpanFilter(), "jsonl") for _ in range(4)]
    for each in begun:
        await anext(each)
    with pytest.raises(Busy, match="4 exports of this project"):
        await anext(exports.download("prj_a", SpanFilter(), "jsonl"))
    assert await anext(exports.download("prj_b", SpanFilter(), "jsonl"))
    for each in begun:
        await each.aclose()
    whole = [part async for part in exports.download("prj_a", SpanFilter(), "jsonl")]
    assert len(b"".join(whole).splitlines()) == SPANS


async def test_csv_keeps_every_text_and_leaves_unknown_empty(traces: tuple[Traces, Scores]) -> None:
    rows = list(csv.DictReader(io.StringIO((await file(traces, TraceFilter(), "csv")).decode(), newline="")))
    assert len(rows) == SPANS
    assert (rows[-1]["input"], rows[-1]["cost_usd"], rows[-1]["tags"]) == ('say "hi",\nthen =1+1', "0.25", '["a"]')
    assert (rows[0]["cost_usd"], rows[0]["user"]) == ("", "")


async def test_parquet_has_types(traces: tuple[Traces, Scores]) -> None:
    table = pq.read_table(io.BytesIO(await file(traces, SpanFilter(), "parquet")))
    last = table.slice(SPANS - 1).to_pylist()[0]
    assert table.num_rows == SPANS
    assert str(table.schema.field("start").type) == "timestamp[us, tz=UTC]"
    assert (last["tokens_input_total"], last["tokens_output"], last["cost"]) == (7, None, 0.25)
    assert (last["attributes"], last["input"]) == ('{"x":{"y":1}}', 'say "hi",\nthen =1+1')


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
async def test_nothing_is_a_file_too(traces: tuple[Traces, Scores], form: Any) -> None:
    content = await file(traces, SpanFilter(user="nobody"), form)
    if form == "parquet":
        assert pq.read_table(io.BytesIO(content)).num_rows == 0
    else:
        assert len(content.splitlines()) == (1 if form == "csv" else 0)


async def test_scores_and_filters(traces: tuple[Traces, Scores]) -> None:
    (row,) = csv.DictReader(io.StringIO((await file(traces, ScoreFilter(name="good"), "csv")).decode()))
    assert (row["value"], row["error"], row["time"]) == ("", "nobody knows", "2026-11-21T08:00:00.000000Z")
    with pytest.raises(InvalidInput):
        await file(traces, TraceFilter(scores=("nonsense",)), "csv")


async def test_a_page_is_given_away_before_the_next_one_is_read(
    traces: tuple[Traces, Scores], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is never held as a whole, however long it is."""
    found, read = traces[0].spans, list[Any]()

    async def counted(*given: Any, **named: Any) -> Any:
        read.append(named["after"])
        return await found(*given, **named)

    monkeypatch.setattr(traces[0], "spans", counted)
    at_each_part = [len(read) async for _ in Exports(*traces).stream("prj_a", SpanFilter(), "jsonl")]
    assert at_each_part[:2] == [1, 2]
