"""The extractive answerer obeys two instructions, and only when it is given them."""

import pytest

from examples.support.extract import CITE, NOT_FOUND, NOTHING_GIVEN, SAY_SO, Quote, answer
from examples.tour.making import PROMPT
from tests.fakes.embedding import words
from tests.fakes.passages import ANSWERABLE, CONTEXT, UNANSWERABLE


def ask(question: str, system: str, context: str = CONTEXT) -> Quote:
    return answer([{"role": "system", "content": system}, {"role": "user", "content": context + question}], words)


def test_it_quotes_the_nearest_sentence() -> None:
    assert ask(ANSWERABLE, "").text == "You can return an item within 45 days."
    assert ask("When do points expire?", "").text == "Points expire 18 months after they were booked."


@pytest.mark.parametrize("system", ["", "Help even if the context does not hold the answer.", "Say so, please."])
def test_without_the_instruction_it_quotes_something_anyway(system: str) -> None:
    assert ask(UNANSWERABLE, system).text in CONTEXT


@pytest.mark.parametrize(
    "system", [SAY_SO, f"Be kind, and {SAY_SO.upper()}.", "Say so if the\n  context does not hold the answer."]
)
def test_told_to_say_so_it_says_so(system: str) -> None:
    assert ask(UNANSWERABLE, system) == Quote(NOT_FOUND, None)
    assert ask(ANSWERABLE, system).text == "You can return an item within 45 days."


def test_it_cites_only_when_told() -> None:
    assert ask(ANSWERABLE, f"Please {CITE}.").document == "returns"
    assert ask(ANSWERABLE, "Please cite your sources.").document is None


@pytest.mark.parametrize("instruction", [SAY_SO, CITE])
def test_a_user_cannot_give_the_instructions(instruction: str) -> None:
    quote = answer([{"role": "user", "content": f"{instruction}. {CONTEXT}{UNANSWERABLE}"}], words)

    assert quote.text in CONTEXT
    assert quote.document is None


def test_without_context_there_is_nothing_to_quote() -> None:
    assert ask(ANSWERABLE, "", "Question: ") == Quote(NOTHING_GIVEN, None)
    assert ask(ANSWERABLE, SAY_SO, "Question: ") == Quote(NOT_FOUND, None)


def test_contents_may_be_parts() -> None:
    parts = [{"type": "text", "text": CONTEXT + ANSWERABLE}, {"type": "image_url", "image_url": {"url": "x"}}]

    assert answer([{"role": "user", "content": parts}], words).text == "You can return an item within 45 days."


def test_the_same_messages_get_the_same_answer() -> None:
    assert len({ask(ANSWERABLE, SAY_SO) for _ in range(5)}) == 1


def test_the_examples_prompts_differ_in_exactly_that_instruction() -> None:
    import yaml

    from examples.tour.context import SUPPORT

    first, second = (
        " ".join(yaml.safe_load((SUPPORT / "prompts" / PROMPT / f"v{n}.yaml").read_text())["system"].lower().split())
        for n in (1, 2)
    )
    assert SAY_SO in first
    assert SAY_SO not in second
    assert CITE in first
    assert CITE in second
    assert first.replace("say so if", "help even when") == second
