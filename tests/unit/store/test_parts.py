"""What a commit adds to a trace, made here and made by SQL out of what is stored: the same."""

from pathlib import Path

from assay_server.core.records import Facts, Span
from assay_server.store import DuckStore
from assay_server.store.schema import PART

_COLUMNS = "key, project, trace_id, start_ns, end_ns, spans, errors, oks"


async def test_parts_are_what_sql_makes_of_the_same_spans(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    spans = [
        Span("prj_a", f"trace-{n % 3}-ü", f"{n}", None, "call", "span", 100 - n, 200 + n, status=status)
        for n, status in enumerate(("ok", "error", "unset", "ok", "error", "ok", "unset"))
    ]
    await store.append(Facts(spans=spans))
    made = await store.scan(f"SELECT {_COLUMNS} FROM trace_parts ORDER BY trace_id")
    told = await store.scan(
        f"SELECT * FROM (SELECT {PART} FROM spans GROUP BY project, trace_id) AS t({_COLUMNS}) ORDER BY trace_id"
    )
    await store.close()
    assert made == told
    assert [(part["spans"], part["errors"], part["oks"]) for part in made] == [(3, 0, 2), (2, 2, 0), (2, 0, 1)]


async def test_each_commit_of_a_trace_is_a_part_and_the_trace_is_one_row(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    for n in (1, 2, 2):
        await store.append(Facts(spans=[Span("prj_a", "t", f"{n}", None, "call", "span", n, n + 1)]))
    stats = await store.stats()
    parts = await store.scan("SELECT start_ns, stored_ns FROM trace_parts ORDER BY stored_ns")
    await store.close()
    assert stats.rows["traces"] == 1
    assert [part["start_ns"] for part in parts] == [1, 2]
