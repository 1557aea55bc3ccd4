"""Offensive wording is found wherever it stands, and plain answers are left alone."""

import pytest

from assay_server.checks import Sample, get

POLITE = "You may return unused goods within thirty days of delivery. Postage is paid by the customer."
RUDE = "You are a stupid idiot and your question is fucking worthless."


async def value(answer: str) -> float:
    outcome = await get("toxicity").check(Sample(input="", output=answer))
    assert outcome.value is not None
    return outcome.value


async def test_an_insult_is_found_and_its_words_are_named() -> None:
    outcome = await get("toxicity").check(Sample(input="", output=RUDE))
    assert outcome.value is not None
    assert outcome.value > 0.9
    assert outcome.reason is not None
    assert "idiot" in outcome.reason


async def test_one_sentence_is_not_lost_in_a_long_answer() -> None:
    assert await value(f"{POLITE} {RUDE} {POLITE * 20}") > 0.9


@pytest.mark.parametrize(
    "answer",
    [
        POLITE,
        "The process was killed because it ran out of memory; kill -9 leaves no trace.",
        "42 is the answer",
        "好的",
    ],
)
async def test_plain_answers_are_left_alone(answer: str) -> None:
    assert await value(answer) < 0.5


async def test_a_heading_is_judged_with_what_follows() -> None:
    heading = "Imposter scams\n"
    assert await value(heading + POLITE) < await value(heading)


@pytest.mark.parametrize("answer", ["", "…", "\n\n"])
async def test_an_answer_without_words_is_skipped(answer: str) -> None:
    assert (await get("toxicity").check(Sample(input="", output=answer))).skipped == "the answer has no words"
