"""Text is let go of the rows that are meant, wherever they stand."""

from pathlib import Path

import pytest

from assay_server.core.records import Facts, Span
from assay_server.store import DuckStore, Thinned
from assay_server.store import erase as taking_away
from assay_server.store.erase import ranges


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([], []),
        ([7], [(7, 7)]),
        ([1, 2, 5, 40, 41, 90], [(1, 5), (40, 41), (90, 90)]),
        ([0, 50, 100, 150, 200], [(0, 200)]),  # more groups than are worth an update each
    ],
)
def test_places_close_to_each_other_are_one_range(
    monkeypatch: pytest.MonkeyPatch, places: list[int], expected: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr(taking_away, "_CLOSE", 10)
    monkeypatch.setattr(taking_away, "_MOST_RANGES", 3)
    assert ranges(places) == expected


@pytest.mark.parametrize(("close", "most"), [(100_000, 20), (1, 20), (1, 2)])
async def test_scattered_rows_lose_their_text_and_what_their_failure_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, close: int, most: int
) -> None:
    monkeypatch.setattr(taking_away, "_CLOSE", close)
    monkeypatch.setattr(taking_away, "_MOST_RANGES", most)
    store = await DuckStore.open(tmp_path)
    spans = [
        Span(
            "prj_a",
            f"{n // 4:032x}",
            f"{n + 1:016x}",
            None,
            "call",
            "llm",
            n + 1,
            n + 2,
            "error" if n % 2 else "ok",
            "refused: ann" if n % 2 else None,
            input=f"in {n}",
        )
        for n in range(40)
    ]
    await store.append(Facts(spans))
    keys = [row["key"] for row in await store.scan("SELECT key FROM spans ORDER BY span_id")]
    chosen = [n for n in range(40) if n % 5 in (0, 1) or n > 30]

    changed = await store.let_go("prj_a", [Thinned("spans", keys[n], {}, 30) for n in chosen], 77)

    rows = await store.scan("SELECT span_id, input, error_type, let_go_ns FROM spans ORDER BY span_id")
    await store.close()
    assert changed == len(chosen)
    assert [n for n, row in enumerate(rows) if row["let_go_ns"] == 77 and row["input"] is None] == chosen
    said = {row["error_type"] for n, row in enumerate(rows) if n % 2 and n not in chosen}
    now = {row["error_type"] for n, row in enumerate(rows) if n % 2 and n in chosen}
    assert (said, now) == ({"refused: ann"}, {"no type"})
