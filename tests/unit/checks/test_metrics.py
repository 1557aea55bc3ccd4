"""Every check on hand-worked values; what does not apply is skipped with its reason, never 0."""

import math
from typing import Any

import pytest

from assay_server import checks
from assay_server.checks import Outcome, Sample
from assay_server.core.errors import InvalidInput


async def run(name: str, output: str = "", **known: Any) -> Outcome:
    return await checks.get(name).check(Sample(input="q", output=output, **known))


def contexts(*texts: str) -> list[dict[str, Any]]:
    return [{"id": f"doc-{number}", "text": text, "score": 1.0} for number, text in enumerate(texts, 1)]


@pytest.mark.parametrize(
    ("name", "output", "expected", "value"),
    [
        ("exact_match", "The 30 days.", "30 days", 1.0),
        ("exact_match", "31 days", "30 days", 0.0),
        ("contains", "You have 30 days, from delivery.", "30 days", 1.0),
        ("contains", "You have 130 days.", "30 days", 0.0),
        ("fuzzy_match", "30 days", "30 days", 1.0),
        ("fuzzy_match", "ab", "cd", 0.0),
        ("fuzzy_match", "abcd", "ab", 2 * 2 / 6),  # 2·LCS / lengths
        ("token_f1", "you get 30 days", "30 days", 2 * 2 / 6),
        ("token_f1", "30 30", "30", 2 * 1 / 3),
        ("token_f1", "the", "30", 0.0),
    ],
)
async def test_against_expected(name: str, output: str, expected: str, value: float) -> None:
    outcome = await run(name, output, expected=expected)
    assert outcome.value == pytest.approx(value)


@pytest.mark.parametrize("name", ["exact_match", "contains", "fuzzy_match", "token_f1"])
@pytest.mark.parametrize("expected", [None, "", "  "])
async def test_without_an_expected_answer_they_are_skipped(name: str, expected: str | None) -> None:
    assert await run(name, "x", expected=expected) == Outcome(skipped="the item has no expected answer")


@pytest.mark.parametrize(
    "text",
    [
        "The context does not hold the answer.",
        "I don't know.",
        "Sorry, I cannot answer that from the documents.",
        "I’m not sure.",
        "There is no information about that.",
        "The provided context doesn't mention parking.",
        "We do not have that information.",
        "This is not covered in our policies.",
        "I am unable to help with this.",
        "Our documents do not say.",
    ],
)
async def test_refusals_are_recognised(text: str) -> None:
    assert (await run("refusal", text, metadata={"answerable": False})).value == 1.0
    assert (await run("refusal", text, metadata={"answerable": True})).value == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "You can return the item within 30 days.",
        "The warranty does not cover water damage.",
        "Items on sale cannot be exchanged.",
        "We do not charge for returns.",
        "Gift cards do not expire.",
        "You cannot combine two codes, and this is not refundable.",
        "The price does not include shipping.",
    ],
)
async def test_answers_with_a_no_in_them_are_not_refusals(text: str) -> None:
    assert (await run("refusal", text, metadata={"answerable": True})).value == 1.0
    outcome = await run("refusal", text, metadata={"answerable": False})
    assert (outcome.value, outcome.label) == (0.0, "answered an unanswerable question")


async def test_refusal_needs_the_label() -> None:
    assert (await run("refusal", "I don't know", metadata={"answerable": "yes"})).skipped is not None


async def test_groundedness_is_the_share_of_content_words_found() -> None:
    outcome = await run(
        "groundedness",
        "Returns are free for 30 days [doc-1].",
        contexts=contexts("A return is possible within 30 days"),
    )
    # return, free, 30, day: three of four stand in the context; the cited id is no claim
    assert outcome.value == pytest.approx(0.75)
    assert outcome.reason == "not in the contexts: free"


async def test_groundedness_of_a_refusal_or_without_contexts_does_not_apply() -> None:
    assert (await run("groundedness", "I don't know.", contexts=contexts("x"))).skipped == "a refusal claims nothing"
    assert (await run("groundedness", "30 days")).skipped == "nothing was retrieved"
    assert (await run("groundedness", "it is the", contexts=contexts("x"))).skipped == "the answer has no content words"


async def test_retrieval_ranks() -> None:
    found = {"contexts": contexts("a", "b", "c"), "metadata": {"documents": ["doc-3", "doc-2"]}}
    missed = {"contexts": contexts("a"), "metadata": {"documents": ["doc-9"]}}
    assert (await run("hit_rate", **found)).value == 1.0
    assert (await run("mrr", **found)).value == 0.5
    assert (await run("hit_rate", **missed)).value == 0.0
    assert (await run("mrr", **missed)).value == 0.0
    assert (await run("hit_rate", metadata={"documents": ["doc-9"]})).value == 0.0  # nothing retrieved is a miss
    for unlabelled in ({}, {"documents": []}, {"documents": "doc-1"}):
        assert (await run("mrr", contexts=contexts("a"), metadata=unlabelled)).skipped is not None


async def test_a_citation_is_a_whole_id() -> None:
    assert (await run("citation", "30 days (doc-1)", contexts=contexts("a"))).value == 1.0
    assert (await run("citation", "30 days (doc-12)", contexts=contexts("a"))).value == 0.0
    assert (await run("citation", "I don't know", contexts=contexts("a"))).skipped is not None
    assert (await run("citation", "30 days")).skipped is not None


async def test_schema() -> None:
    schema = {"type": "object", "required": ["answer"], "properties": {"answer": {"type": "string"}}}
    assert (await run("schema_valid", '{"answer": "x"}', output_schema=schema)).value == 1.0
    wrong = await run("schema_valid", '{"answer": 3}', output_schema=schema)
    assert wrong.value == 0.0
    assert wrong.reason is not None
    assert "$.answer" in wrong.reason
    assert (await run("schema_valid", "not json", output_schema=schema)).value == 0.0
    assert (await run("schema_valid", "{}")).skipped == "the release has no output schema"


@pytest.mark.parametrize("broken", [{"type": 3}, {"$ref": "http://127.0.0.1:9/schema.json"}])
async def test_a_schema_that_cannot_be_used_is_an_error_not_a_zero(broken: dict[str, Any]) -> None:
    outcome = await run("schema_valid", "{}", output_schema=broken)
    assert outcome.value is None
    assert outcome.error is not None


async def test_latency_and_cost_are_skipped_when_unknown() -> None:
    assert (await run("latency_ms", latency_ms=12.5)).value == 12.5
    assert (await run("cost_usd", cost=0.0)).value == 0.0
    assert (await run("latency_ms")).skipped is not None
    assert (await run("cost_usd")).skipped is not None


async def test_every_check_is_documented_and_keeps_its_range() -> None:
    sample = Sample(
        input="q", output="30 days", expected="30 days", contexts=contexts("30 days"), latency_ms=1.0, cost=0.1,
        metadata={"answerable": True, "documents": ["doc-1"]}, output_schema={"type": "string"},
    )  # fmt: skip
    catalogue = checks.Catalogue()
    for check in catalogue:
        about = check.about
        assert about.describes
        assert about.formula
        assert about.cannot_see
        outcome = await check.check(sample)
        assert [outcome.value, outcome.error, outcome.skipped].count(None) == 2
        low, high = about.range
        assert outcome.value is not None
        assert (-math.inf if low is None else low) <= outcome.value <= (math.inf if high is None else high)


def test_unknown_names_suggest_near_ones() -> None:
    with pytest.raises(InvalidInput) as caught:
        checks.get("exact_mach")
    assert "exact_match" in (caught.value.fix or "")


def test_a_name_stands_once() -> None:
    with pytest.raises(InvalidInput):
        checks.Catalogue(checks.get("refusal"))
