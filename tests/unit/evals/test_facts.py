"""What a run reads back from a real store: its own scores, and what its traces cost."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assay_server.core.records import Facts, RunItem, Score, Span, Tokens
from assay_server.evals import Scored, StoredFacts
from assay_server.query import RunItems, Traces
from assay_server.store import DuckStore

P, RUN = "prj_1", "run_1"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


def trace(number: int) -> str:
    return f"{number:032x}"


def span(number: int, span_id: str, kind: str, **known: object) -> Span:
    return Span(P, trace(number), span_id, None, kind, kind, 10, 20, **known)  # type: ignore[arg-type]


async def test_scores_belong_to_their_repeat_and_a_strangers_is_an_error(store: DuckStore) -> None:
    rows = [RunItem(P, RUN, "itm", repeat, 1, output=f"answer {repeat}") for repeat in (0, 1)]
    signed = [
        Score(P, f"s{repeat}", "refusal", 1, "code", value=float(repeat), version="1", run=RUN, item="itm",
              metadata={"repeat": repeat})
        for repeat in (0, 1)
    ]  # fmt: skip
    forged = Score(P, "forged", "exact_match", 9, "end_user", value=1.0, run=RUN, item="itm")
    await store.append(Facts(run_items=rows, scores=[*signed, forged]))

    first, second = await StoredFacts(RunItems(store), Traces(store)).answered(P, RUN)
    assert (first.output, first.scores["refusal"]) == ("answer 0", Scored(0.0))
    assert (second.output, second.scores["refusal"]) == ("answer 1", Scored(1.0))
    assert first.scores["exact_match"] == Scored(error="a score of this name was posted from outside")
    assert await StoredFacts(RunItems(store), Traces(store)).answered("prj_2", RUN) == []


async def test_costs_are_known_when_every_model_call_is_priced(store: DuckStore) -> None:
    spans = [span(number, f"{number:016x}", "chain", run=RUN) for number in (1, 2, 3)]
    spans += [
        span(1, "a" * 16, "llm", model="m", cost=0.25),  # the application did not pass the run on: the trace tells
        span(1, "b" * 16, "llm", model="m", cost=0.5),
        span(2, "c" * 16, "llm", model="m", cost=0.5),
        span(2, "d" * 16, "llm", model="m", tokens=Tokens(fresh_input=5)),
    ]
    await store.append(Facts(spans=spans))
    costs = await StoredFacts(RunItems(store), Traces(store)).costs(P, RUN)
    assert costs == {trace(1): 0.75, trace(2): None}  # no model call was seen in the third yet
