"""Which spans count: both ways to ask find the same, on traces nobody would draw."""

import random
from pathlib import Path

from assay_server.core.records import Facts, Span, Tokens
from assay_server.query.rollup import HAS, KEYS, counted, counted_by_key
from assay_server.store import DuckStore

KINDS = ("llm", "agent", "chain", "tool", "embedding")


def forest(rng: random.Random) -> list[Span]:
    spans = []
    for trace in range(120):
        size = rng.randrange(1, 8)
        for number in range(size):
            parent = f"{rng.randrange(number):016x}" if number and rng.random() < 0.9 else None
            made = Span("prj_a", f"{trace:032x}", f"{number:016x}", parent, "s", rng.choice(KINDS), 1, 2)  # type: ignore[arg-type]
            made.cost = rng.random() if rng.random() < 0.5 else None
            made.tokens = Tokens(rng.randrange(9), output=1) if rng.random() < 0.3 else None
            spans.append(made)
    return spans


async def test_by_key_and_by_text_the_same_spans_count(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(Facts(forest(random.Random(5))))
    by_text = await store.scan(f"SELECT trace_id, span_id FROM ({counted('spans')}) ORDER BY ALL")
    source = f"WITH source AS (SELECT trace_id, span_id, {KEYS} FROM spans WHERE {HAS})"
    by_key = await store.scan(f"{source} SELECT trace_id, span_id FROM ({counted_by_key('source')}) ORDER BY ALL")
    await store.close()
    assert by_key == by_text
    assert 100 < len(by_text) < 400
