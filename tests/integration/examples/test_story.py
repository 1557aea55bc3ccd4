"""The effects of the tour come out of the real retriever, answerer and users; without a server, with the same code.

Judged as the server's checks judge them; the gate and the canary themselves are tested in the acceptance test.
"""

import itertools
import json
from statistics import mean

import pytest
import yaml

from examples.support.assistant import context_of
from examples.support.embeddings import VectorCache
from examples.support.extract import NOT_FOUND, answer
from examples.support.questions import golden, live
from examples.support.retriever import Retriever, Settings
from examples.support.users import users
from examples.tour.context import SUPPORT
from examples.tour.making import PROMPT, STORY

USERS = 400


class Offline:
    """A release without a server: its prompt and retrieval configuration from the same files."""

    def __init__(self, letter: str, vectors: VectorCache) -> None:
        prompt, retrieval, _ = STORY[letter]
        self._prompt = yaml.safe_load((SUPPORT / "prompts" / PROMPT / f"v{prompt}.yaml").read_text())
        self._settings = Settings.read(yaml.safe_load((SUPPORT / "retrieval" / f"v{retrieval}.yaml").read_text()))
        self._vectors, self._retriever = vectors, Retriever(vectors)
        self._known: dict[str, tuple[str, list[str]]] = {}

    def ask(self, question: str) -> tuple[str, list[str]]:
        """The answer, and the ids of what was retrieved."""
        if question not in self._known:
            passages = self._retriever.find(question, self._settings)
            prompt = self._prompt["user_template"].format(context=context_of(passages), question=question)
            messages = [{"role": "system", "content": self._prompt["system"]}, {"role": "user", "content": prompt}]
            said = answer(messages, self._vectors.embed_one).text
            self._known[question] = said, [passage.id for passage in passages]
        return self._known[question]

    def hit_rate(self) -> float:
        items = [item for item in golden() if item["metadata"]["answerable"]]
        return mean(
            bool(set(item["metadata"]["documents"]) & set(self.ask(item["input"]["question"])[1])) for item in items
        )

    def right_refusal(self) -> float:
        return mean(
            (self.ask(item["input"]["question"])[0] == NOT_FOUND) != item["metadata"]["answerable"] for item in golden()
        )

    def exact(self) -> float:
        items = [item for item in golden() if item["metadata"]["answerable"]]
        return mean(self.ask(item["input"]["question"])[0] == json.loads(item["expected"])["answer"] for item in items)

    def feedback(self) -> float:
        crowd = itertools.islice(users(11), USERS)
        thumbs = [user.thumb(question, self.ask(question.text)[0]) for user in crowd for question in user.questions]
        return mean(thumb for thumb in thumbs if thumb is not None)


@pytest.fixture(scope="module")
def story(vectors: VectorCache) -> dict[str, Offline]:
    return {letter: Offline(letter, vectors) for letter in STORY}


def test_a_is_good_enough_to_begin_with(story: dict[str, Offline]) -> None:
    assert story["A"].right_refusal() >= 0.9
    assert story["A"].hit_rate() >= 0.7
    assert story["A"].exact() >= 0.6


def test_b_answers_what_it_should_refuse(story: dict[str, Offline]) -> None:
    assert story["A"].right_refusal() - story["B"].right_refusal() >= 0.15
    unanswerable = [item["input"]["question"] for item in golden() if not item["metadata"]["answerable"]]
    assert NOT_FOUND not in [story["B"].ask(question)[0] for question in unanswerable]


def test_c_finds_more_and_pleases_more(story: dict[str, Offline]) -> None:
    assert story["C"].hit_rate() - story["A"].hit_rate() >= 0.1
    assert story["C"].right_refusal() >= story["A"].right_refusal() - 0.02
    assert story["C"].feedback() - story["A"].feedback() >= 0.04


def test_d_passes_offline_and_fails_its_users(story: dict[str, Offline]) -> None:
    assert story["D"].hit_rate() == story["C"].hit_rate()
    assert story["D"].right_refusal() == story["C"].right_refusal()
    assert story["D"].exact() == story["C"].exact()
    assert story["C"].feedback() - story["D"].feedback() >= 0.12


def test_what_d_gets_wrong_is_what_has_changed(story: dict[str, Offline]) -> None:
    def wrong(letter: str) -> set[str]:
        return {q.id for q in live() if q.document and not q.answered_by(story[letter].ask(q.text)[0])}

    changed = {"returns-window", "refunds-time", "warranty-standard", "shipping-standard", "support-hours"}
    documents = {q.document for q in live() if q.id in wrong("D") - wrong("C")}
    assert changed <= documents
