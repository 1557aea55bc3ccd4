"""An agent's circle, sent over OTLP in pieces, is found again by its flag."""

from pathlib import Path

from assay_server.checks.pii import Scrubber
from assay_server.core.ports import Principal
from assay_server.ingest import PROTOBUF, Ingest, LoopWatch
from assay_server.providers import Prices
from assay_server.query import TraceFilter, Traces
from assay_server.store import DuckStore
from tests.fakes.otlp_requests import START_NS, a_span, protobuf

CALLER = Principal("prj_a", "key:test", "ingest")


def piece(trace: int, number: int, arguments: str) -> bytes:
    attributes = {"assay.kind": "tool", "assay.input": arguments}
    start = START_NS + number * 10**9
    return protobuf(
        a_span(
            trace_id=f"{trace:032x}",
            span_id=f"{trace * 100 + number:016x}",
            name="search",
            start_ns=start,
            end_ns=start + 10**6,
            attributes=attributes,
        )
    )


async def test_the_trace_that_goes_in_circles_is_found_by_its_score(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    ingest = Ingest(store, Scrubber(), Prices())
    loops = LoopWatch(ingest)
    ingest.listen(loops.heard)
    for number in range(1, 6):
        await ingest.otlp(CALLER.project, piece(1, number, '{"q": "red shoes"}'), PROTOBUF, None)
        await ingest.otlp(CALLER.project, piece(2, number, f'{{"q": "shoes", "page": {number}}}'), PROTOBUF, None)
    await loops.close()
    found = await Traces(store).find("prj_a", TraceFilter(scores=("tool_loop:ge:1",)))
    assert [row["trace_id"] for row in found.items] == [f"{1:032x}"]
    whole = await Traces(store).get("prj_a", f"{1:032x}")
    [score] = whole["scores"]
    assert score["span_id"] == f"{101:016x}"
    assert score["metadata"]["first_cycle"] == [f"{101:016x}"]
    await ingest.close()
    await store.close()
