"""Simulated users. They know today's policy, so their thumbs follow from the answer, never from the release."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from examples.support.questions import Question, live

# People are people: some thank for a wrong answer, some grumble at a right one, some never press the button.
_THUMB_UP = {"right": 0.95, "wrong": 0.08, "honest refusal": 0.75}
_GIVES_FEEDBACK = 0.9


@dataclass(slots=True)
class User:
    """One person with one conversation; the same seed and number make the same person."""

    name: str
    session: str
    questions: list[Question]
    _dice: random.Random

    def thumb(self, question: Question, answer: str) -> int | None:
        """1 for thumbs up, 0 for down, None when no button was pressed."""
        kind, roll = _judge(question, answer), self._dice.random()
        if self._dice.random() >= _GIVES_FEEDBACK:
            return None
        return int(roll < _THUMB_UP[kind])


def users(seed: int, *, first: int = 1, each: int = 2, pool: Sequence[Question] = ()) -> Iterator[User]:
    """Endless users, `each` with that many different questions, drawn evenly from the pool (default: the live ones)."""
    asked = list(pool) or live()
    number = first
    while True:
        dice = random.Random(f"{seed}/{number}")
        name = f"user-{seed}-{number:05d}"
        yield User(name, f"session-{seed}-{number:05d}", dice.sample(asked, each), dice)
        number += 1


def _judge(question: Question, answer: str) -> str:
    if question.document is None:
        return "honest refusal" if "could not find" in answer else "wrong"
    return "right" if question.answered_by(answer) else "wrong"
